-- A bridge is there. KEYS[1] is a sorted set of bridges by when they were last heard of; ARGV: the bridge, and for how long one counts,
-- in milliseconds. Answers with whether it was not known any more, and with all that are there.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
local is_new = redis.call('ZADD', KEYS[1], now, ARGV[1])
return {is_new, redis.call('ZRANGE', KEYS[1], 0, -1)}
