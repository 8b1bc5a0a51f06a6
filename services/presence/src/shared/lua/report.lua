-- A bridge reports: its id, its stream, how many sessions it may have, and the reports, eight texts each:
--   opened  session  user  user's id  user's name  conversation  conversation's id  silent
--   closed  session  and nothing six times
-- where `user` and `conversation` are UUIDs. Answers with the places, from 1, of the reports that were not taken because there are
-- too many sessions.
local bridge, stream, most = ARGV[ARGS], ARGV[ARGS + 1], tonumber(ARGV[ARGS + 2])
local current = attached(bridge)
if current ~= stream then return answer(current and 'superseded' or 'lost') end
local here = stream_key(stream)
local older = redis.call('SMEMBERS', ended_key(bridge))
local count = redis.call('HLEN', here)
for _, before in ipairs(older) do count = count + redis.call('HLEN', stream_key(before)) end

-- Takes a session out of an earlier stream of the bridge.
local function take_older(session)
  for _, before in ipairs(older) do
    local found = redis.call('HGET', stream_key(before), session)
    if found then
      redis.call('HDEL', stream_key(before), session)
      return found
    end
  end
end

local function open(session, user, id, name, conversation, conversation_id, silent)
  local value = user .. ' ' .. conversation
  local before = redis.call('HGET', here, session)
  if not before then before = take_older(session) end
  if not before then
    if count >= most then return false end
    count = count + 1
  end
  -- The new one is counted before the one that it replaces is not, so that nobody seems to leave.
  arrive(user, id, name, silent)
  if conversation ~= '' then
    redis.call('HINCRBY', room_key(conversation), user, 1)
    redis.call('HSETNX', ROOMS, conversation, conversation_id)
  end
  redis.call('HSET', here, session, value)
  if before then depart(before, now, now) end
  return true
end

local refused = {}
local at = ARGS + 3
while at <= #ARGV do
  local session = ARGV[at + 1]
  if ARGV[at] == 'opened' then
    local is_taken = open(session, ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5], ARGV[at + 6], ARGV[at + 7])
    if not is_taken then refused[#refused + 1] = text((at - ARGS - 3) / 8 + 1) end
  else
    local found = redis.call('HGET', here, session)
    if found then redis.call('HDEL', here, session) else found = take_older(session) end
    if found then
      count = count - 1
      depart(found, now, now)
    end
  end
  at = at + 8
end
return answer('done', refused)
