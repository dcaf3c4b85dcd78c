-- Apps that did not take what they were told, and until when nothing more is tried: one call asks then,
-- for all that waits. There as long as something waits for the app and nothing was heard.
CREATE TABLE app_pauses (
    app   INTEGER PRIMARY KEY REFERENCES oauth_apps (id) ON DELETE CASCADE,
    tries INTEGER NOT NULL,
    until INTEGER NOT NULL
) STRICT;
