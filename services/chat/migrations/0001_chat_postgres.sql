-- The words of messages, in place of the full-text table of SQLite. Each row also has, as a word of weight D, which conversation
-- it is of, so that a search never walks through the matches of other conversations.
CREATE TABLE message_text (
    message_id INTEGER NOT NULL,
    words      TSVECTOR NOT NULL,
    PRIMARY KEY (message_id)
);
CREATE INDEX message_text_words ON message_text USING gin (words);
