-- Campaigns that take people of one provider over to another.
CREATE TABLE relinks (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    from_provider INTEGER NOT NULL REFERENCES providers (id) ON DELETE CASCADE,
    to_provider   INTEGER NOT NULL REFERENCES providers (id) ON DELETE CASCADE,
    -- Where the subjects of to_provider were unique when the campaign was made.
    namespace     TEXT    NOT NULL,
    -- Ids of domains, JSON.
    domains       TEXT    NOT NULL,
    created       INTEGER NOT NULL,
    created_by    TEXT    NOT NULL,
    ends          INTEGER NOT NULL,
    stopped       INTEGER,
    moved         INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX relinks_to ON relinks (to_provider, ends);
CREATE INDEX relinks_from ON relinks (from_provider);
