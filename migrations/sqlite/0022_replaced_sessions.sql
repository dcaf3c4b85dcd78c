-- What stands in the place of a session that is gone. Two tabs may sign in at once: the later one brings
-- the cookie of a session that the first has replaced already.
CREATE TABLE replaced_sessions (
    token_tag BLOB    NOT NULL PRIMARY KEY,
    session   INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    -- When the one that is gone would have ended: after that its token proves nothing.
    ends      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX replaced_sessions_by_session ON replaced_sessions (session, ends);
