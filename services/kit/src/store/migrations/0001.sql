-- A topic and how far its log goes. It stays when its events are trimmed, so that no number is given twice.
CREATE TABLE topic (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    -- Sequence number of the newest event.
    head INTEGER NOT NULL,
    -- Sequence number of the oldest event that is kept; head + 1 when none is.
    oldest INTEGER NOT NULL
) STRICT;

-- The log of durable events. Positions grow with each commit and may have gaps; sequences have none.
CREATE TABLE event (
    position INTEGER PRIMARY KEY,
    topic INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    -- Microseconds since the epoch.
    time INTEGER NOT NULL,
    -- causeway.event.v1.Event, encoded.
    body BLOB NOT NULL,
    UNIQUE (topic, sequence)
) STRICT;

-- What is owed to others.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    payload BLOB NOT NULL,
    -- Microseconds since the epoch.
    owed_at INTEGER NOT NULL,
    -- When it is tried next; NULL when it is given up.
    due_at INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    last_error TEXT
) STRICT;
CREATE INDEX outbox_due ON outbox (kind, due_at);

-- Written to find out whether writing works again.
CREATE TABLE heartbeat (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at INTEGER NOT NULL
) STRICT;
