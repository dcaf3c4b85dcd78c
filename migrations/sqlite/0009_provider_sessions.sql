-- What a web session remembers of the sign-in at the provider: which session and person there it
-- stands on, so that a logout token finds it, and the sealed ID token that signing out there shows.
ALTER TABLE sessions ADD COLUMN namespace TEXT;
ALTER TABLE sessions ADD COLUMN subject TEXT;
ALTER TABLE sessions ADD COLUMN provider_sid TEXT;
ALTER TABLE sessions ADD COLUMN id_token BLOB;
CREATE INDEX sessions_by_subject ON sessions (provider, namespace, subject)
    WHERE subject IS NOT NULL;
CREATE INDEX sessions_by_sid ON sessions (provider, namespace, provider_sid)
    WHERE provider_sid IS NOT NULL;

-- Logout tokens that were taken, so that none counts twice.
CREATE TABLE logout_tokens (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    provider INTEGER NOT NULL REFERENCES providers (id) ON DELETE CASCADE,
    jti      BLOB    NOT NULL,
    ends     INTEGER NOT NULL,
    UNIQUE (provider, jti)
) STRICT;
CREATE INDEX logout_tokens_due ON logout_tokens (ends);
