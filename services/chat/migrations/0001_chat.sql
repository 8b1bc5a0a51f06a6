-- Users, audiences, conversations, messages, and what people did to them. Times are microseconds since the Unix epoch;
-- kinds, statuses, roles and authors are the numbers of the enums in causeway.chat.v1.

CREATE TABLE user (
    id              TEXT NOT NULL PRIMARY KEY,
    -- The UUID that stands for the id, where the id cannot be read from the UUID itself.
    uuid            BLOB UNIQUE,
    username        TEXT NOT NULL,
    name            TEXT NOT NULL,
    first_name      TEXT NOT NULL,
    last_name       TEXT NOT NULL,
    email           TEXT NOT NULL,
    source          TEXT NOT NULL,
    profile_picture TEXT NOT NULL,
    is_active       INTEGER NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audience_member (
    audience TEXT NOT NULL,
    user_id  TEXT NOT NULL,
    PRIMARY KEY (audience, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX audience_member_by_user ON audience_member (user_id, audience);

CREATE TABLE conversation (
    id                TEXT NOT NULL PRIMARY KEY,
    uuid              BLOB UNIQUE,
    -- The id as a number, where it is one that a frontend reads exactly: the next free number comes from here.
    number            INTEGER UNIQUE,
    kind              INTEGER NOT NULL,
    name              TEXT NOT NULL,
    -- The two users of a one-to-one conversation, in the order of their ids.
    pair_low          TEXT,
    pair_high         TEXT,
    customer_id       TEXT,
    status            INTEGER NOT NULL,
    priority          INTEGER NOT NULL,
    -- Without the customer.
    participant_count INTEGER NOT NULL,
    last_message_id   INTEGER,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    UNIQUE (pair_low, pair_high)
) STRICT, WITHOUT ROWID;

CREATE TABLE participant (
    conversation_id      TEXT NOT NULL,
    user_id              TEXT NOT NULL,
    -- 0 for the outside customer of a support conversation, who is in it but is not counted or listed.
    role                 INTEGER NOT NULL,
    -- Tells who joined first, also among those who joined at once.
    place                INTEGER NOT NULL,
    joined_at            INTEGER NOT NULL,
    -- Up to here the user has read, and up to here messages reached a socket of the user.
    read_message_id      INTEGER NOT NULL DEFAULT 0,
    read_at              INTEGER,
    delivered_message_id INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (conversation_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX participant_by_user ON participant (user_id, conversation_id);

CREATE TABLE message (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation_id TEXT NOT NULL,
    sender_id       TEXT NOT NULL,
    author          INTEGER NOT NULL,
    reply_to        INTEGER,
    deleted_at      INTEGER,
    -- What changes without the message being rewritten; these columns win over `body`.
    is_answered     INTEGER NOT NULL DEFAULT 0,
    delivery_status INTEGER NOT NULL,
    delivery_error  TEXT NOT NULL DEFAULT '',
    -- causeway.chat.v1.Message as sent or last edited, without its id.
    body            BLOB NOT NULL
) STRICT;

-- History, and unread messages of others without touching the table.
CREATE INDEX message_in_conversation ON message (conversation_id, id, sender_id, deleted_at);
CREATE INDEX message_reply ON message (reply_to, id) WHERE reply_to IS NOT NULL;
-- Messages of customers that nobody has answered: author 2 is AUTHOR_CUSTOMER.
CREATE INDEX message_unanswered ON message (conversation_id) WHERE author = 2 AND is_answered = 0;

CREATE TABLE reaction (
    -- Tells which was given first.
    id         INTEGER PRIMARY KEY,
    message_id INTEGER NOT NULL,
    reaction   TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    UNIQUE (message_id, reaction, user_id)
) STRICT;

-- Idempotency keys. The rowid is the message's, so that the oldest keys come first.
CREATE TABLE sent (
    message_id        INTEGER PRIMARY KEY,
    sender_id         TEXT NOT NULL,
    client_message_id TEXT NOT NULL,
    sent_at           INTEGER NOT NULL,
    UNIQUE (sender_id, client_message_id)
) STRICT;

-- The words of messages. Each row also says, as one word, which conversation it is of, so that a search never walks
-- through the matches of other conversations.
CREATE VIRTUAL TABLE message_text USING fts5 (
    conversation,
    content,
    content = '',
    contentless_delete = 1,
    tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'"
);

-- Messages up to here are in `message_text`.
CREATE TABLE search_index (message_id INTEGER NOT NULL) STRICT;
INSERT INTO search_index (message_id) VALUES (0);
