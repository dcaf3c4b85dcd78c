-- To which apps people signed in during which web session. Kept for as long as the session is there:
-- grants may end long before it, and the app is told of its end all the same.
CREATE TABLE app_sessions (
    session INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    app     INTEGER NOT NULL REFERENCES oauth_apps (id) ON DELETE CASCADE,
    sid     TEXT    NOT NULL,
    -- Of which the subject is made: the mailbox may be gone when the app is told.
    storage BLOB    NOT NULL,
    PRIMARY KEY (session, app, sid)
) STRICT, WITHOUT ROWID;
CREATE INDEX app_sessions_by_app ON app_sessions (app, session);

INSERT INTO app_sessions (session, app, sid, storage)
SELECT g.begun_in, g.app, g.sid, g.storage FROM app_grants AS g JOIN sessions AS s ON s.id = g.begun_in
WHERE TRUE
ON CONFLICT (session, app, sid) DO NOTHING;

DROP TRIGGER sessions_tell_apps;
DROP INDEX app_grants_by_begun_in;
ALTER TABLE app_grants DROP COLUMN begun_in;
ALTER TABLE app_grants DROP COLUMN storage;

-- Whatever ends a session, its apps are told: no way of ending one can forget it.
CREATE TRIGGER sessions_tell_apps BEFORE DELETE ON sessions BEGIN
    INSERT INTO app_logouts (app, sid, storage)
    SELECT s.app, s.sid, s.storage FROM app_sessions AS s JOIN oauth_apps AS a ON a.id = s.app
    WHERE s.session = old.id AND a.back_channel = TRUE
    ON CONFLICT (app, storage, sid) DO NOTHING;
END;

-- Whoever is deleted may have opened apps in sessions of which nothing is left.
DROP TRIGGER mailboxes_end_sessions;
CREATE TRIGGER mailboxes_end_sessions BEFORE DELETE ON mailboxes BEGIN
    DELETE FROM sessions WHERE mailbox = old.id;
    INSERT INTO app_logouts (app, sid, storage)
    SELECT c.app, '', old.storage FROM app_connections AS c JOIN oauth_apps AS a ON a.id = c.app
    WHERE c.mailbox = old.id AND a.back_channel = TRUE
    ON CONFLICT (app, storage, sid) DO NOTHING;
END;

-- Nothing was told before, so nothing is carried over.
DROP TABLE app_logouts;
CREATE TABLE app_logouts (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    app        INTEGER NOT NULL REFERENCES oauth_apps (id) ON DELETE CASCADE,
    -- Empty for all sessions of the person.
    sid        TEXT    NOT NULL,
    storage    BLOB    NOT NULL,
    tries      INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL DEFAULT 0,
    -- When telling failed first, and how it failed last.
    since      INTEGER,
    problem    TEXT,
    UNIQUE (app, storage, sid)
) STRICT;
-- Each app waits for itself.
CREATE INDEX app_logouts_due ON app_logouts (app, not_before, id);
