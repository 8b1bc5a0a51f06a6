-- Which process has which piece of work, where several have the store.
CREATE TABLE lease (
    name TEXT NOT NULL PRIMARY KEY,
    -- Another one each time it is taken.
    holder TEXT NOT NULL,
    -- Until when it would last, in microseconds since the epoch; grows with each renewal.
    until INTEGER NOT NULL,
    -- What another process asks of the holder.
    wanted TEXT NOT NULL DEFAULT '',
    -- What the holder tells the others.
    note TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

-- Whether another instance of the plugin has taken the place of this one.
ALTER TABLE plugin_instance ADD COLUMN former INTEGER NOT NULL DEFAULT 0;
