-- When a person was last told by mail that their mail programs stop soon.
ALTER TABLE mailboxes ADD COLUMN warned INTEGER;
