-- Tags on mailboxes, in canonical form. The address of a mailbox never changes; it stands here so
-- that the mailboxes of a tag are walked in the order of addresses, as every list of mailboxes is.
CREATE TABLE mailbox_tags (
    mailbox INTEGER NOT NULL REFERENCES mailboxes (id) ON DELETE CASCADE,
    tag     TEXT    NOT NULL,
    address TEXT    NOT NULL,
    PRIMARY KEY (mailbox, tag)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX mailbox_tags_by_tag ON mailbox_tags (tag, address);
