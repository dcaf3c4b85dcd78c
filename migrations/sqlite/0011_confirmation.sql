-- Mail programs stop when no provider has confirmed the person for a while: a policy of the domain.

-- In how many days a provider has to confirm people; NULL: that is not asked. And since when.
ALTER TABLE domains ADD COLUMN confirm_within INTEGER;
ALTER TABLE domains ADD COLUMN confirm_since INTEGER;
CREATE INDEX domains_confirming ON domains (id) WHERE confirm_within IS NOT NULL;

-- When any provider last stood by the person; when the mailbox was made, until then.
ALTER TABLE mailboxes ADD COLUMN confirmed INTEGER NOT NULL DEFAULT 0;
-- Since when a provider that stands for "logout means gone" has the person signed out.
ALTER TABLE mailboxes ADD COLUMN signed_out INTEGER;
UPDATE mailboxes SET confirmed = COALESCE(
    (SELECT max(l.confirmed) FROM links AS l WHERE l.mailbox = mailboxes.id), created);
CREATE INDEX mailboxes_by_confirmation ON mailboxes (domain, confirmed, id)
    WHERE method_provider = TRUE;
