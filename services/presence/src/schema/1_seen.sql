-- Users by the UUID that stands for their id, as they were last seen.
CREATE TABLE seen (
    uuid         BLOB    NOT NULL PRIMARY KEY,
    user_id      TEXT    NOT NULL,
    display_name TEXT    NOT NULL,
    last_seen    INTEGER NOT NULL,
    online       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_online ON seen (uuid) WHERE online = 1;

-- When the service was last known to run: whoever was online then was seen then.
CREATE TABLE pulse (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    at  INTEGER NOT NULL
) STRICT;
INSERT INTO pulse (one, at) VALUES (1, 0);
