-- A logout token may name a session at the provider alone: whose it was is looked up by it, among all
-- refresh tokens of the provider.
CREATE INDEX refresh_tokens_by_sid ON refresh_tokens (provider, sid) WHERE sid IS NOT NULL;
