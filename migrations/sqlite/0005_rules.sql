-- The claims with which each linked person came last, so that other rules can be tried on everybody
-- before they are saved. Bounded; what was too large is named in left_out. Gone with the link.
CREATE TABLE link_claims (
    link     INTEGER NOT NULL PRIMARY KEY REFERENCES links (id) ON DELETE CASCADE,
    claims   TEXT    NOT NULL,
    left_out TEXT    NOT NULL,
    -- When the person first came with just these.
    since    INTEGER NOT NULL
) STRICT;

-- Every state in which a provider's rules were saved; the last one is in force.
CREATE TABLE rule_versions (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    provider      INTEGER NOT NULL REFERENCES providers (id) ON DELETE CASCADE,
    at            INTEGER NOT NULL,
    actor         TEXT    NOT NULL,
    rules         TEXT    NOT NULL,
    everyone_else TEXT    NOT NULL
) STRICT;
CREATE INDEX rule_versions_by_provider ON rule_versions (provider, id);
INSERT INTO rule_versions (provider, at, actor, rules, everyone_else)
    SELECT id, modified, '{"kind":"system"}', settings -> '$.rules', settings -> '$.everyone_else'
    FROM providers;
