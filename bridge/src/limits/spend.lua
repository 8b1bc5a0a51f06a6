-- A user has spent frames at a bridge. KEYS[1] says by when what was spent is earned again, in microseconds since the Unix epoch;
-- ARGV: how many frames, how long one takes to earn, how much may be spent ahead, and how much may be owed at most, the times
-- in microseconds. Answers with how long the user owes.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local ahead, most = tonumber(ARGV[3]), tonumber(ARGV[4])
local earned = math.max(tonumber(redis.call('GET', KEYS[1])) or 0, now) + tonumber(ARGV[1]) * tonumber(ARGV[2])
earned = math.min(earned, now + ahead + most)
redis.call('SET', KEYS[1], string.format('%.0f', earned), 'PX', math.ceil((earned - now) / 1000) + 1000)
return math.max(0, earned - ahead - now)
