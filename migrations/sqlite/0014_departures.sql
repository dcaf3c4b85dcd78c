-- For each provider, the sign-ins that left for it and never came back, since one last did.
CREATE TABLE departures (
    provider INTEGER PRIMARY KEY REFERENCES providers (id) ON DELETE CASCADE,
    returned INTEGER,
    lost     INTEGER NOT NULL,
    first    INTEGER
) STRICT;
