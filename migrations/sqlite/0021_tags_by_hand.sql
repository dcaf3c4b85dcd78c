-- Tags are a field of templates now. Those that a mailbox has were given by hand, and stay.
UPDATE mailboxes SET overrides = overrides | 64 WHERE id IN (SELECT mailbox FROM mailbox_tags);
