-- The main job: domains, templates, mailboxes, aliases, providers, links, app passwords,
-- administrators, sessions, attempts, audit and the outbox.
-- Times are microseconds since the epoch; quotas are bytes; structured settings are JSON text.
-- AUTOINCREMENT where an id must never be reused.

CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE domains (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT    NOT NULL UNIQUE,
    active        INTEGER NOT NULL,
    max_mailboxes INTEGER NOT NULL,
    default_quota INTEGER NOT NULL,
    max_quota     INTEGER NOT NULL,
    domain_quota  INTEGER NOT NULL,
    role_target   TEXT    NOT NULL,
    -- Maintained by the triggers below; exact at every commit.
    used_mailboxes INTEGER NOT NULL DEFAULT 0,
    used_quota     INTEGER NOT NULL DEFAULT 0,
    created       INTEGER NOT NULL,
    modified      INTEGER NOT NULL
) STRICT;
-- The oldest one that is switched on takes mail for the server's own postmaster.
CREATE INDEX domains_active ON domains (active);

CREATE TABLE templates (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    name     TEXT    NOT NULL,
    name_key TEXT    NOT NULL UNIQUE,
    settings TEXT    NOT NULL,
    created  INTEGER NOT NULL,
    modified INTEGER NOT NULL
) STRICT;

CREATE TABLE mailboxes (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    domain          INTEGER NOT NULL REFERENCES domains (id),
    address         TEXT    NOT NULL UNIQUE,
    name            TEXT    NOT NULL,
    storage         BLOB    NOT NULL UNIQUE,
    quota           INTEGER NOT NULL CHECK (quota >= 0),
    protocols       INTEGER NOT NULL,
    active          INTEGER NOT NULL,
    disabled_at     INTEGER,
    disabled_by     TEXT,
    disabled_reason TEXT,
    method_local    INTEGER NOT NULL,
    method_provider INTEGER NOT NULL,
    template        INTEGER REFERENCES templates (id) ON DELETE SET NULL,
    template_seen   INTEGER,
    overrides       INTEGER NOT NULL DEFAULT 0,
    -- Argon2id in PHC form, or an imported hash with its {SCHEME}; dormant while the provider is
    -- the only sign-in method.
    password        TEXT,
    password_until  INTEGER,
    -- Raised by every change that must end verdicts derived from the mailbox's credentials.
    generation      INTEGER NOT NULL DEFAULT 0,
    created         INTEGER NOT NULL,
    modified        INTEGER NOT NULL,
    last_sign_in    INTEGER
) STRICT;
-- Lists are ordered by address, whatever they are narrowed down to.
CREATE INDEX mailboxes_by_domain ON mailboxes (domain, address);
CREATE INDEX mailboxes_by_template ON mailboxes (template, address) WHERE template IS NOT NULL;
CREATE INDEX mailboxes_by_method ON mailboxes (method_provider, address);
CREATE INDEX mailboxes_password_ends ON mailboxes (password_until, id)
    WHERE password_until IS NOT NULL;
CREATE INDEX mailboxes_disabled ON mailboxes (address) WHERE active = FALSE;

-- Prefix search by the words of people's names, in lower case. Kept in step by the store, which
-- knows the words of a mailbox from its name: no second index to find them by mailbox.
CREATE TABLE mailbox_words (
    word    TEXT    NOT NULL,
    mailbox INTEGER NOT NULL,
    PRIMARY KEY (word, mailbox)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER mailboxes_counted AFTER INSERT ON mailboxes BEGIN
    UPDATE domains SET used_mailboxes = used_mailboxes + 1, used_quota = used_quota + new.quota
    WHERE id = new.domain;
    UPDATE counters SET value = value + 1 WHERE name = 'mailboxes';
END;
CREATE TRIGGER mailboxes_uncounted AFTER DELETE ON mailboxes BEGIN
    UPDATE domains SET used_mailboxes = used_mailboxes - 1, used_quota = used_quota - old.quota
    WHERE id = old.domain;
    UPDATE counters SET value = value - 1 WHERE name = 'mailboxes';
END;
CREATE TRIGGER mailboxes_requota AFTER UPDATE OF quota ON mailboxes BEGIN
    UPDATE domains SET used_quota = used_quota - old.quota + new.quota WHERE id = new.domain;
END;

CREATE TABLE counters (
    name  TEXT    NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counters (name, value) VALUES ('mailboxes', 0);

-- Mail of deleted mailboxes, kept by storage id until it is removed from the disk.
CREATE TABLE deleted_mail (
    storage    BLOB    NOT NULL PRIMARY KEY,
    mailbox    INTEGER NOT NULL,
    address    TEXT    NOT NULL,
    deleted    INTEGER NOT NULL,
    deleted_by TEXT    NOT NULL,
    remove_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX deleted_mail_due ON deleted_mail (remove_at, storage);

CREATE TABLE aliases (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    domain   INTEGER NOT NULL REFERENCES domains (id),
    address  TEXT    NOT NULL UNIQUE,
    active   INTEGER NOT NULL,
    created  INTEGER NOT NULL,
    modified INTEGER NOT NULL
) STRICT;
CREATE INDEX aliases_by_domain ON aliases (domain, address);

CREATE TABLE alias_targets (
    alias    INTEGER NOT NULL REFERENCES aliases (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    mailbox  INTEGER NOT NULL REFERENCES mailboxes (id) ON DELETE CASCADE,
    PRIMARY KEY (alias, mailbox)
) STRICT, WITHOUT ROWID;
CREATE INDEX alias_targets_by_mailbox ON alias_targets (mailbox);

CREATE TABLE providers (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    slug      TEXT    NOT NULL UNIQUE,
    position  INTEGER NOT NULL,
    active    INTEGER NOT NULL,
    namespace TEXT    NOT NULL,
    -- The exact redirect URL registered there: one string, one provider. The two bare-origin
    -- forms arrive at the same path, so they share one value of redirect_key.
    redirect_key TEXT NOT NULL UNIQUE,
    settings  TEXT    NOT NULL,
    secret       BLOB,
    secret_set   INTEGER,
    secret_ends  TEXT,
    created   INTEGER NOT NULL,
    modified  INTEGER NOT NULL
) STRICT;

CREATE TABLE links (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    mailbox      INTEGER NOT NULL REFERENCES mailboxes (id) ON DELETE CASCADE,
    provider     INTEGER NOT NULL REFERENCES providers (id),
    namespace    TEXT    NOT NULL,
    subject      TEXT    NOT NULL,
    origin       TEXT    NOT NULL,
    created      INTEGER NOT NULL,
    last_sign_in INTEGER,
    UNIQUE (namespace, subject),
    UNIQUE (mailbox, provider)
) STRICT;
CREATE INDEX links_by_provider ON links (provider);

CREATE TABLE pending_links (
    mailbox          INTEGER NOT NULL PRIMARY KEY REFERENCES mailboxes (id) ON DELETE CASCADE,
    provider         INTEGER NOT NULL REFERENCES providers (id) ON DELETE CASCADE,
    expected_subject TEXT,
    ends             INTEGER NOT NULL
) STRICT;
CREATE INDEX pending_links_due ON pending_links (ends);

-- A sign-in under way: between leaving for the provider and coming back.
CREATE TABLE sign_in_flows (
    state_tag   BLOB    NOT NULL PRIMARY KEY,
    browser_tag BLOB    NOT NULL,
    provider    INTEGER NOT NULL REFERENCES providers (id) ON DELETE CASCADE,
    -- Sealed: nonce, PKCE verifier, exact redirect URL, route to return to.
    sealed      BLOB    NOT NULL,
    created     INTEGER NOT NULL,
    ends        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_in_flows_due ON sign_in_flows (ends);

-- A proven identity that still has to prove a mailbox's local password.
CREATE TABLE link_proofs (
    token_tag   BLOB    NOT NULL PRIMARY KEY,
    browser_tag BLOB    NOT NULL,
    mailbox     INTEGER NOT NULL REFERENCES mailboxes (id) ON DELETE CASCADE,
    provider    INTEGER NOT NULL REFERENCES providers (id) ON DELETE CASCADE,
    namespace   TEXT    NOT NULL,
    subject     TEXT    NOT NULL,
    tries       INTEGER NOT NULL DEFAULT 0,
    ends        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX link_proofs_due ON link_proofs (ends);
CREATE INDEX link_proofs_by_mailbox ON link_proofs (mailbox);

CREATE TABLE app_passwords (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    mailbox   INTEGER NOT NULL REFERENCES mailboxes (id) ON DELETE CASCADE,
    -- HMAC-SHA-256 under the app-password key, which is not in this file; key id in front.
    tag       BLOB    NOT NULL UNIQUE,
    name      TEXT    NOT NULL,
    protocols INTEGER NOT NULL,
    ends      INTEGER,
    created   INTEGER NOT NULL,
    revoked   INTEGER,
    last_used          INTEGER,
    last_used_protocol TEXT,
    last_used_ip       TEXT
) STRICT;
CREATE INDEX app_passwords_by_mailbox ON app_passwords (mailbox, id);
CREATE INDEX app_passwords_ends ON app_passwords (ends, id) WHERE ends IS NOT NULL;
CREATE INDEX app_passwords_revoked ON app_passwords (revoked) WHERE revoked IS NOT NULL;

-- Which mail programs used the local password: one row per program, refreshed at most once a minute.
CREATE TABLE password_uses (
    mailbox  INTEGER NOT NULL REFERENCES mailboxes (id) ON DELETE CASCADE,
    protocol TEXT    NOT NULL,
    ip       TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (mailbox, protocol, ip)
) STRICT, WITHOUT ROWID;

CREATE TABLE admins (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    name     TEXT    NOT NULL,
    name_key TEXT    NOT NULL UNIQUE,
    email    TEXT    NOT NULL,
    password TEXT    NOT NULL,
    created  INTEGER NOT NULL,
    modified INTEGER NOT NULL
) STRICT;

CREATE TABLE setup_links (
    token_tag BLOB    NOT NULL PRIMARY KEY,
    ends      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    token_tag  BLOB    NOT NULL UNIQUE,
    mailbox    INTEGER REFERENCES mailboxes (id) ON DELETE CASCADE,
    admin      INTEGER REFERENCES admins (id) ON DELETE CASCADE,
    provider   INTEGER REFERENCES providers (id) ON DELETE CASCADE,
    created    INTEGER NOT NULL,
    last_used  INTEGER NOT NULL,
    ends       INTEGER NOT NULL,
    ip         TEXT,
    user_agent TEXT    NOT NULL,
    CHECK ((mailbox IS NULL) <> (admin IS NULL))
) STRICT;
CREATE INDEX sessions_by_mailbox ON sessions (mailbox) WHERE mailbox IS NOT NULL;
CREATE INDEX sessions_by_admin ON sessions (admin) WHERE admin IS NOT NULL;
CREATE INDEX sessions_by_provider ON sessions (provider) WHERE provider IS NOT NULL;
CREATE INDEX sessions_due ON sessions (ends);

CREATE TABLE attempts (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    reference  TEXT    NOT NULL UNIQUE,
    at         INTEGER NOT NULL,
    door       TEXT    NOT NULL,
    provider   INTEGER,
    mailbox    INTEGER,
    address    TEXT,
    ip         TEXT,
    user_agent TEXT    NOT NULL,
    code       TEXT,
    facts      TEXT,
    notice     TEXT,
    trace      TEXT    NOT NULL,
    count      INTEGER NOT NULL DEFAULT 1,
    -- Aggregation key of mail attempts: account, network, code and minute. NULL for web attempts.
    bucket     TEXT    UNIQUE
) STRICT;
-- Attempts of mail programs are kept for another time than those on the web.
CREATE INDEX attempts_by_time ON attempts ((bucket IS NULL), at);
CREATE INDEX attempts_by_address ON attempts (address, id) WHERE address IS NOT NULL;
CREATE INDEX attempts_refused ON attempts (id) WHERE code IS NOT NULL;

CREATE TABLE audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    actor   TEXT    NOT NULL,
    action  TEXT    NOT NULL,
    object  TEXT    NOT NULL,
    details TEXT    NOT NULL
) STRICT;
CREATE INDEX audit_by_object ON audit (object, id);
CREATE INDEX audit_by_time ON audit (at);

-- Side effects on the engines, done after commit and again after a crash until they succeed.
CREATE TABLE outbox (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    effect    TEXT    NOT NULL,
    created   INTEGER NOT NULL,
    tries     INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_due ON outbox (not_before);
