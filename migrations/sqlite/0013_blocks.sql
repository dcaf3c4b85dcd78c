-- People at a provider who may not come back, known by (namespace, subject) like a link. The mailbox
-- may be gone; its address is kept so that the block can be found.
CREATE TABLE blocks (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace  TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    address    TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    created    INTEGER NOT NULL,
    created_by TEXT    NOT NULL,
    UNIQUE (namespace, subject)
) STRICT;
CREATE INDEX blocks_by_address ON blocks (address);
