-- Apps: OAuth clients, what people allowed them, and the keys that sign ID tokens.

CREATE TABLE oauth_apps (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    client_id    TEXT    NOT NULL UNIQUE,
    settings     TEXT    NOT NULL,
    -- Whether it is told of sessions that end: what the trigger below asks.
    back_channel INTEGER NOT NULL,
    created      INTEGER NOT NULL,
    modified     INTEGER NOT NULL
) STRICT;

CREATE TABLE app_secrets (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    app       INTEGER NOT NULL REFERENCES oauth_apps (id) ON DELETE CASCADE,
    tag       BLOB    NOT NULL UNIQUE,
    hint      TEXT    NOT NULL,
    created   INTEGER NOT NULL,
    ends      INTEGER,
    last_used INTEGER
) STRICT;
CREATE INDEX app_secrets_by_app ON app_secrets (app, id);
CREATE INDEX app_secrets_due ON app_secrets (ends) WHERE ends IS NOT NULL;

-- What a person connected; outlives single grants, so that nothing is asked twice.
CREATE TABLE app_connections (
    mailbox   INTEGER NOT NULL REFERENCES mailboxes (id) ON DELETE CASCADE,
    app       INTEGER NOT NULL REFERENCES oauth_apps (id) ON DELETE CASCADE,
    scopes    TEXT    NOT NULL,
    asked     INTEGER NOT NULL,
    since     INTEGER NOT NULL,
    last_used INTEGER NOT NULL,
    PRIMARY KEY (mailbox, app)
) STRICT, WITHOUT ROWID;
CREATE INDEX app_connections_by_use ON app_connections (mailbox, last_used);
CREATE INDEX app_connections_by_app ON app_connections (app, mailbox);

-- One sign-in of a person to an app.
CREATE TABLE app_grants (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    app        INTEGER NOT NULL REFERENCES oauth_apps (id) ON DELETE CASCADE,
    mailbox    INTEGER NOT NULL REFERENCES mailboxes (id) ON DELETE CASCADE,
    -- Set while it ends with the web session; a grant for offline access goes on without one.
    session    INTEGER REFERENCES sessions (id) ON DELETE CASCADE,
    -- The web session in which it was made, for telling the app of its end.
    begun_in   INTEGER,
    sid        TEXT    NOT NULL,
    -- Kept for the logout token: the mailbox may be gone when it is sent.
    storage    BLOB    NOT NULL,
    scopes     TEXT    NOT NULL,
    auth_time  INTEGER NOT NULL,
    claims     TEXT,
    created    INTEGER NOT NULL,
    ends       INTEGER NOT NULL
) STRICT;
CREATE INDEX app_grants_by_mailbox ON app_grants (mailbox, app);
CREATE INDEX app_grants_by_app ON app_grants (app, id);
CREATE INDEX app_grants_by_session ON app_grants (session) WHERE session IS NOT NULL;
CREATE INDEX app_grants_by_begun_in ON app_grants (begun_in) WHERE begun_in IS NOT NULL;
CREATE INDEX app_grants_due ON app_grants (ends);

-- A code is kept after its use for a while: a second use ends its grant.
CREATE TABLE app_codes (
    tag       BLOB    NOT NULL PRIMARY KEY,
    grant_id  INTEGER NOT NULL REFERENCES app_grants (id) ON DELETE CASCADE,
    redirect  TEXT,
    challenge TEXT,
    plain     INTEGER NOT NULL,
    nonce     TEXT,
    ends      INTEGER NOT NULL,
    used      INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX app_codes_by_grant ON app_codes (grant_id);

CREATE TABLE app_tokens (
    tag      BLOB    NOT NULL PRIMARY KEY,
    grant_id INTEGER NOT NULL REFERENCES app_grants (id) ON DELETE CASCADE,
    kind     TEXT    NOT NULL,
    scopes   TEXT    NOT NULL,
    created  INTEGER NOT NULL,
    ends     INTEGER NOT NULL,
    used     INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX app_tokens_by_grant ON app_tokens (grant_id);
CREATE INDEX app_tokens_due ON app_tokens (ends);

-- Devices that wait for a person (RFC 8628).
CREATE TABLE app_devices (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    device_tag BLOB    NOT NULL UNIQUE,
    user_tag   BLOB    NOT NULL UNIQUE,
    app        INTEGER NOT NULL REFERENCES oauth_apps (id) ON DELETE CASCADE,
    scopes     TEXT    NOT NULL,
    ends       INTEGER NOT NULL,
    wait       INTEGER NOT NULL,
    last_asked INTEGER,
    denied     INTEGER NOT NULL DEFAULT 0,
    grant_id   INTEGER REFERENCES app_grants (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX app_devices_by_app ON app_devices (app);
CREATE INDEX app_devices_by_grant ON app_devices (grant_id) WHERE grant_id IS NOT NULL;
CREATE INDEX app_devices_due ON app_devices (ends);

-- Apps that are to be told that a session ended.
CREATE TABLE app_logouts (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    app        INTEGER NOT NULL REFERENCES oauth_apps (id) ON DELETE CASCADE,
    sid        TEXT    NOT NULL,
    storage    BLOB    NOT NULL,
    tries      INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL DEFAULT 0,
    UNIQUE (app, sid)
) STRICT;
CREATE INDEX app_logouts_due ON app_logouts (not_before, id);

-- Whatever ends a session, its apps are told: no way of ending one can forget it.
CREATE TRIGGER sessions_tell_apps BEFORE DELETE ON sessions BEGIN
    INSERT INTO app_logouts (app, sid, storage)
    SELECT g.app, g.sid, g.storage FROM app_grants AS g JOIN oauth_apps AS a ON a.id = g.app
    WHERE g.begun_in = old.id AND a.back_channel = TRUE
    ON CONFLICT (app, sid) DO NOTHING;
    UPDATE app_grants SET begun_in = NULL WHERE begun_in = old.id;
END;

-- A mailbox takes its sessions along before its grants, or the trigger above would find none.
CREATE TRIGGER mailboxes_end_sessions BEFORE DELETE ON mailboxes BEGIN
    DELETE FROM sessions WHERE mailbox = old.id;
END;

-- Keys for ID tokens: announced, then signing, then only believed, then gone.
CREATE TABLE signing_keys (
    kid       TEXT    NOT NULL PRIMARY KEY,
    alg       TEXT    NOT NULL,
    jwk       TEXT    NOT NULL,
    sealed    BLOB    NOT NULL,
    created   INTEGER NOT NULL,
    signs     INTEGER NOT NULL,
    retired   INTEGER
) STRICT;

-- Sign-ins of a browser that came to no end: three to one app are a circle.
CREATE INDEX sign_in_flows_by_browser ON sign_in_flows (browser_tag, provider, created);

-- What an attempt wanted to sign in to.
ALTER TABLE attempts ADD COLUMN app INTEGER;
CREATE INDEX attempts_by_app ON attempts (app, id) WHERE app IS NOT NULL;
