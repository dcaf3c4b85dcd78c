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
    ON CONFLICT (app, sid) DO NOTHING;
END;

-- When telling failed first, and how it failed last.
ALTER TABLE app_logouts ADD COLUMN since INTEGER;
ALTER TABLE app_logouts ADD COLUMN problem TEXT;
-- Each app waits for itself.
DROP INDEX app_logouts_due;
CREATE INDEX app_logouts_due ON app_logouts (app, not_before, id);
