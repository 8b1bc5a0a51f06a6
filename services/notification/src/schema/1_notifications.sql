-- Notifications of users and audiences: the topic says which, as user/<id> or audience/<id>. One for an audience is one row.
CREATE TABLE notification (
    id           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    topic        TEXT    NOT NULL,
    title        TEXT    NOT NULL,
    message      TEXT    NOT NULL,
    type         TEXT    NOT NULL,
    data         TEXT    NOT NULL,
    time         INTEGER NOT NULL,
    collapse_key TEXT
) STRICT;
CREATE INDEX notification_topic ON notification (topic, id);
CREATE INDEX notification_collapse ON notification (topic, collapse_key, id) WHERE collapse_key IS NOT NULL;

-- What a user has read of a topic: everything up to a notification, and some after it.
CREATE TABLE read_through (
    user_id         TEXT    NOT NULL,
    topic           TEXT    NOT NULL,
    notification_id INTEGER NOT NULL,
    PRIMARY KEY (user_id, topic)
) STRICT, WITHOUT ROWID;
CREATE TABLE read_mark (
    user_id         TEXT    NOT NULL,
    topic           TEXT    NOT NULL,
    notification_id INTEGER NOT NULL,
    PRIMARY KEY (user_id, topic, notification_id)
) STRICT, WITHOUT ROWID;

-- Results by idempotency key. The scope is the topic, or "bulk".
CREATE TABLE once (
    id     INTEGER NOT NULL PRIMARY KEY,
    scope  TEXT    NOT NULL,
    key    TEXT    NOT NULL,
    result INTEGER NOT NULL,
    time   INTEGER NOT NULL,
    UNIQUE (scope, key)
) STRICT;
CREATE INDEX once_time ON once (time);

-- Users whose id is found by the UUID that stands for it, and cannot be computed from it.
CREATE TABLE person (
    uuid    BLOB NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Messages to many, and who has not been notified yet. The state is that of the protocol's BulkState.
CREATE TABLE bulk (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    title      TEXT    NOT NULL,
    message    TEXT    NOT NULL,
    type       TEXT    NOT NULL,
    data       TEXT    NOT NULL,
    state      INTEGER NOT NULL,
    total      INTEGER NOT NULL,
    done       INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX bulk_running ON bulk (updated_at) WHERE state = 1;
CREATE TABLE bulk_recipient (
    bulk_id  INTEGER NOT NULL,
    position INTEGER NOT NULL,
    user_id  TEXT    NOT NULL,
    PRIMARY KEY (bulk_id, position)
) STRICT, WITHOUT ROWID;
