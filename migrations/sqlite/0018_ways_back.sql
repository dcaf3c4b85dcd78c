-- When the person proved who they are: at the provider, where it says so (`auth_time`), which may be
-- long before the session here began.
ALTER TABLE sessions ADD COLUMN proved INTEGER NOT NULL DEFAULT 0;
UPDATE sessions SET proved = created;

-- A sign-in that came back, or ran out of time, is remembered for a while: whoever comes back with it
-- once more is told the way to the app they wanted.
ALTER TABLE sign_in_flows ADD COLUMN used INTEGER NOT NULL DEFAULT 0;
CREATE INDEX sign_in_flows_lost ON sign_in_flows (ends) WHERE used = FALSE;
