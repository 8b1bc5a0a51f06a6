-- Users with a socket on a conversation, by its UUID. Answers with their ids, in no order.
local ids = {}
local users = redis.call('HKEYS', room_key(ARGV[ARGS]))
-- Lua takes only so many arguments at once.
local most = 1000
for from = 1, #users, most do
  for _, known in ipairs(redis.call('HMGET', USERS, unpack(users, from, math.min(from + most - 1, #users)))) do
    if known then ids[#ids + 1] = divide(known) end
  end
end
return answer('done', ids)
