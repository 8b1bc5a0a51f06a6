-- Notices that were published at some time, under the name that their source gives them, and what of theirs was last shown.
CREATE TABLE notice (
    id           INTEGER NOT NULL PRIMARY KEY,
    plugin       TEXT    NOT NULL,
    account      TEXT    NOT NULL,
    notice_id    TEXT    NOT NULL,
    is_published INTEGER NOT NULL,
    digest       BLOB    NOT NULL,
    UNIQUE (plugin, account, notice_id)
) STRICT;

-- Which notice a notification shows: one for each topic. Of many users each has one, made by a bulk message.
ALTER TABLE notification ADD COLUMN notice INTEGER;
CREATE UNIQUE INDEX notification_notice ON notification (notice, topic) WHERE notice IS NOT NULL;

-- Which notice a bulk message shows.
ALTER TABLE bulk ADD COLUMN notice INTEGER;
CREATE INDEX bulk_notice ON bulk (notice) WHERE notice IS NOT NULL AND state = 1;
