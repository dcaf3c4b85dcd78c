-- The origin of the token endpoint at which a client secret was first used; it goes nowhere else.
-- NULL until then, and again when a secret is set.
ALTER TABLE providers ADD COLUMN secret_origin TEXT;
