-- What is owed to others. An id is never given twice: a report about a delivery that is gone must not be taken for one about
-- another.
CREATE TABLE owed (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    -- What may be paused together: for deliveries the provider's account.
    pool TEXT NOT NULL DEFAULT '',
    payload BLOB NOT NULL,
    -- Microseconds since the epoch.
    owed_at INTEGER NOT NULL,
    -- 0 waits until due_at, 1 is in a plugin's hand, 2 is given up, 3 waits behind an earlier item of its key.
    state INTEGER NOT NULL DEFAULT 0,
    -- When it is tried next, where it waits.
    due_at INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    -- The instance of the plugin that has it in hand.
    holder TEXT,
    -- Of a delivery in parts, the next one, and how many there are; 0 before the first was handed out.
    part INTEGER NOT NULL DEFAULT 0,
    parts INTEGER NOT NULL DEFAULT 0,
    -- Whether an attempt may have succeeded of which nothing is known: 1 one of this part, 2 one of an earlier part.
    uncertain INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO owed (id, kind, key, payload, owed_at, state, due_at, attempts, last_error)
    SELECT id, kind, key, payload, owed_at, CASE WHEN due_at IS NULL THEN 2 ELSE 0 END, due_at, attempts, last_error FROM outbox;
DROP TABLE outbox;
ALTER TABLE owed RENAME TO outbox;
CREATE INDEX outbox_due ON outbox (kind, due_at);
-- The line of each key, without what was given up.
CREATE INDEX outbox_line ON outbox (kind, key, id) WHERE state <> 2;
CREATE INDEX outbox_in_hand ON outbox (kind, holder) WHERE state = 1;
CREATE INDEX outbox_dead ON outbox (kind, id) WHERE state = 2;

-- Plugins that may attach.
CREATE TABLE plugin (
    name TEXT NOT NULL PRIMARY KEY,
    -- causeway.plugin.v1.PluginKind
    kind INTEGER NOT NULL,
    version TEXT NOT NULL DEFAULT '',
    instance TEXT NOT NULL DEFAULT '',
    -- When it last attached or was last seen to go, in microseconds since the epoch.
    since INTEGER,
    last_error TEXT NOT NULL DEFAULT '',
    last_error_at INTEGER
) STRICT, WITHOUT ROWID;

-- Their credentials, as SHA-256.
CREATE TABLE plugin_credential (
    digest BLOB NOT NULL PRIMARY KEY,
    plugin TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- How far the events of each running instance are settled.
CREATE TABLE plugin_instance (
    plugin TEXT NOT NULL,
    instance TEXT NOT NULL,
    settled INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (plugin, instance)
) STRICT, WITHOUT ROWID;

-- What was applied; for ever.
CREATE TABLE plugin_event (
    plugin TEXT NOT NULL,
    account TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    PRIMARY KEY (plugin, account, provider_id)
) STRICT, WITHOUT ROWID;

-- What was kept for a person.
CREATE TABLE plugin_aside (
    id INTEGER PRIMARY KEY,
    plugin TEXT NOT NULL,
    account TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    payload BLOB NOT NULL,
    time INTEGER NOT NULL
) STRICT;
CREATE INDEX plugin_aside_of ON plugin_aside (plugin, id);
CREATE UNIQUE INDEX plugin_aside_once ON plugin_aside (plugin, account, provider_id);

-- What plugins said of their accounts.
CREATE TABLE plugin_account (
    plugin TEXT NOT NULL,
    account TEXT NOT NULL,
    -- causeway.plugin.v1.AccountState
    state INTEGER NOT NULL,
    advice TEXT NOT NULL,
    reported_at INTEGER NOT NULL,
    PRIMARY KEY (plugin, account)
) STRICT, WITHOUT ROWID;
