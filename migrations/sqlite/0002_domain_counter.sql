-- How many domains there are, without counting them.

INSERT INTO counters (name, value) SELECT 'domains', count(*) FROM domains;

CREATE TRIGGER domains_counted AFTER INSERT ON domains BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'domains';
END;
CREATE TRIGGER domains_uncounted AFTER DELETE ON domains BEGIN
    UPDATE counters SET value = value - 1 WHERE name = 'domains';
END;
