-- Devices that wait for a person (RFC 8628). Nothing could wait before, so nothing is carried over.
DROP TABLE app_devices;

-- A code is kept for a while after it was used or has ended: a second use ends its grant, and
-- whoever types it is told what became of it. How often a device asks is nobody's row.
CREATE TABLE app_devices (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    device_tag BLOB    NOT NULL UNIQUE,
    user_tag   BLOB    NOT NULL UNIQUE,
    app        INTEGER NOT NULL REFERENCES oauth_apps (id) ON DELETE CASCADE,
    scopes     TEXT    NOT NULL,
    created    INTEGER NOT NULL,
    ends       INTEGER NOT NULL,
    -- From where it asked: a person is told, who may have been sent somebody else's code.
    ip         TEXT,
    denied     INTEGER NOT NULL DEFAULT 0,
    grant_id   INTEGER REFERENCES app_grants (id) ON DELETE CASCADE,
    used       INTEGER
) STRICT;
CREATE INDEX app_devices_by_app ON app_devices (app, ends);
CREATE INDEX app_devices_by_grant ON app_devices (grant_id) WHERE grant_id IS NOT NULL;
CREATE INDEX app_devices_due ON app_devices (ends);
