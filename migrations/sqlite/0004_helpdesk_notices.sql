-- Who was refused for a reason that an administrator mends, since the domain's contact was last told.
CREATE TABLE helpdesk_notices (
    domain INTEGER NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    code   TEXT    NOT NULL,
    -- JSON: the first of them with address, reference and time.
    people TEXT    NOT NULL,
    -- How many more there were.
    more   INTEGER NOT NULL,
    -- When the last mail was handed to Postfix.
    sent   INTEGER,
    PRIMARY KEY (domain, code)
) STRICT, WITHOUT ROWID;

-- Each lane of the outbox is worked on by itself: a mail server that hangs holds up no kick.
ALTER TABLE outbox ADD COLUMN lane TEXT NOT NULL DEFAULT 'engines';
DROP INDEX outbox_due;
CREATE INDEX outbox_due ON outbox (lane, not_before, id);
