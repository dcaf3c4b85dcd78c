-- How many attempts there were, by the hour, the door and the code ('' when it succeeded). Kept
-- exact by the triggers below, longer than the attempts themselves.
CREATE TABLE attempt_counts (
    hour  INTEGER NOT NULL,
    door  TEXT    NOT NULL,
    code  TEXT    NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (hour, door, code)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER attempt_counted AFTER INSERT ON attempts BEGIN
    INSERT INTO attempt_counts (hour, door, code, count)
    VALUES (NEW.at / 3600000000 * 3600000000, NEW.door, COALESCE(NEW.code, ''), NEW.count)
    ON CONFLICT (hour, door, code) DO UPDATE SET count = count + excluded.count;
END;
CREATE TRIGGER attempt_counted_again AFTER UPDATE OF count ON attempts
WHEN NEW.count <> OLD.count BEGIN
    INSERT INTO attempt_counts (hour, door, code, count)
    VALUES (NEW.at / 3600000000 * 3600000000, NEW.door, COALESCE(NEW.code, ''),
        NEW.count - OLD.count)
    ON CONFLICT (hour, door, code) DO UPDATE SET count = count + excluded.count;
END;

INSERT INTO attempt_counts (hour, door, code, count)
SELECT at / 3600000000 * 3600000000, door, COALESCE(code, ''), SUM(count)
FROM attempts GROUP BY 1, 2, 3;

-- What several people met for one cause, told once to whoever administers.
CREATE TABLE alerts (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    topic        TEXT    NOT NULL,
    about        TEXT    NOT NULL,
    first        INTEGER NOT NULL,
    last         INTEGER NOT NULL,
    count        INTEGER NOT NULL,
    -- The rest as JSON: whom it met, and the words.
    details      TEXT    NOT NULL,
    -- NULL while too few have met it for an alert.
    raised       INTEGER,
    acknowledged INTEGER,
    closed       INTEGER
) STRICT;
CREATE UNIQUE INDEX alerts_live ON alerts (topic, about) WHERE closed IS NULL;
CREATE INDEX alerts_shown ON alerts (last) WHERE closed IS NULL AND raised IS NOT NULL;
CREATE INDEX alerts_by_time ON alerts (last);
