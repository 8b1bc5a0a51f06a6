-- The CRC-32 of `body`; NULL for what was stored before there was one.
ALTER TABLE message ADD COLUMN checksum INTEGER;
