-- The one provider by which a domain's people sign in; NULL for any that may sign them in.
ALTER TABLE domains ADD COLUMN provider INTEGER REFERENCES providers (id);
CREATE INDEX domains_bound ON domains (provider, name) WHERE provider IS NOT NULL;
