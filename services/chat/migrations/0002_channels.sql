-- Customers who write through a channel's plugin, and what providers call messages.

CREATE TABLE channel_customer (
    plugin          TEXT NOT NULL,
    -- The provider account that the customer writes to, and the provider's id of the customer.
    account         TEXT NOT NULL,
    customer_ref    TEXT NOT NULL,
    user_id         TEXT NOT NULL UNIQUE,
    conversation_id TEXT NOT NULL UNIQUE,
    -- When the customer last wrote, by the provider's clock; NULL when the customer never did.
    wrote_at        INTEGER,
    PRIMARY KEY (plugin, account, customer_ref)
) STRICT, WITHOUT ROWID;

CREATE TABLE channel_message (
    message_id          INTEGER NOT NULL,
    -- A message of ours may go out in several parts, each a message of its own at the provider. From 0.
    part                INTEGER NOT NULL,
    conversation_id     TEXT NOT NULL,
    -- Empty when the provider gave none.
    provider_message_id TEXT NOT NULL,
    -- The delivery with which it went out; NULL for what came in.
    delivery_id         INTEGER,
    PRIMARY KEY (message_id, part)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX channel_message_at_provider ON channel_message (conversation_id, provider_message_id)
    WHERE provider_message_id <> '';
CREATE INDEX channel_message_of_delivery ON channel_message (delivery_id) WHERE delivery_id IS NOT NULL;

-- What was said of messages before they came.
CREATE TABLE channel_early (
    plugin              TEXT NOT NULL,
    account             TEXT NOT NULL,
    customer_ref        TEXT NOT NULL,
    provider_message_id TEXT NOT NULL,
    -- The new text; NULL when the message is gone.
    text                TEXT,
    said_at             INTEGER NOT NULL,
    PRIMARY KEY (plugin, account, customer_ref, provider_message_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX channel_early_said_at ON channel_early (said_at);

-- Messages of ours that may still be delivered or read: 2 is DELIVERY_STATUS_SENT, 3 is DELIVERY_STATUS_DELIVERED.
CREATE INDEX message_on_its_way ON message (conversation_id, id) WHERE delivery_status IN (2, 3);

-- Messages of others that a participant of a support conversation has not read; NULL where they are not counted: then they
-- are when somebody asks.
ALTER TABLE participant ADD COLUMN unread INTEGER;
