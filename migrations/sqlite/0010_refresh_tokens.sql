-- Asking providers in the background whether people are still there.

-- When the provider last said that the person is there, and since when it says otherwise.
ALTER TABLE links ADD COLUMN confirmed INTEGER;
ALTER TABLE links ADD COLUMN unconfirmed INTEGER;
UPDATE links SET confirmed = COALESCE(last_sign_in, created);
CREATE INDEX links_unconfirmed ON links (provider, unconfirmed) WHERE unconfirmed IS NOT NULL;

-- The brake: asking stops when too many people at once are said to be gone.
ALTER TABLE providers ADD COLUMN checks_stopped INTEGER;
ALTER TABLE providers ADD COLUMN checks_resumed INTEGER;

CREATE TABLE refresh_tokens (
    link     INTEGER NOT NULL PRIMARY KEY REFERENCES links (id) ON DELETE CASCADE,
    provider INTEGER NOT NULL REFERENCES providers (id) ON DELETE CASCADE,
    -- Sealed: the token, and whom it may be shown to.
    sealed   BLOB    NOT NULL,
    -- The session there that it came with, and whether it outlives it.
    sid      TEXT,
    offline  INTEGER NOT NULL,
    ends     INTEGER,
    due      INTEGER NOT NULL,
    -- Set before the token is used and cleared with the answer: whether it still works is not
    -- certain in between, nor after a crash.
    asked    INTEGER
) STRICT;
CREATE INDEX refresh_tokens_due ON refresh_tokens (provider, due);
