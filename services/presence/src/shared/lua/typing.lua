-- A user types or stopped: conversation and user, by their UUIDs, then by their ids; "1" or "0"; how many may type; and the request
-- as it came. An id that is only another form of one that is known is told as the known one.
local conversation, user = ARGV[ARGS], ARGV[ARGS + 1]
local member = conversation .. ' ' .. user
local conversation_id = redis.call('HGET', ROOMS, conversation) or ARGV[ARGS + 2]
local known = redis.call('HGET', USERS, user)
local user_id = ARGV[ARGS + 3]
if known then user_id = divide(known) end
local said = conversation_id .. '\n' .. user_id .. '\n' .. ARGV[ARGS + 6]
local before = redis.call('HEXISTS', TYPING, member) == 1
if ARGV[ARGS + 4] ~= '1' then
  if before then
    redis.call('HDEL', TYPING, member)
    redis.call('ZREM', RENEWAL, member)
    -- Told with the names and the session of who says so now.
    tell('typing', '0', said, '', '')
  end
  return answer('done')
end
if not before and redis.call('HLEN', TYPING) >= tonumber(ARGV[ARGS + 5]) then return answer('full') end
redis.call('HSET', TYPING, member, said)
redis.call('ZADD', RENEWAL, text(now + TYPING_TIMEOUT), member)
if not before then tell('typing', '1', said, '', '') end
return answer('done')
