-- What every script of presence begins with: names of keys, time, and the steps that several of them take. The layout of the keys
-- stands in `shared.rs`. Times are microseconds since the Unix epoch, by the clock of Redis.
--
-- KEYS are the keys of a partition that have a fixed name. Those of a stream, a bridge or a conversation are made from the first of
-- them, because which ones are needed shows only here: they have the same hash tag, so they are in the slot that the script was sent
-- to, as a cluster requires. ARGV begins with: the time that a test sets, or nothing; how long offline_after, orphan_grace,
-- the lease of a stream and typing last; how many users are remembered as last seen.

local base = string.sub(KEYS[1], 1, -6)
local EPOCH, BRIDGES, LEASES, ENDED, USERS, SESSIONS, LAST, LEAVING, ROOMS, TYPING, RENEWAL, SEEN, SEEN_AT = unpack(KEYS)

local OFFLINE_AFTER, GRACE, LEASE, TYPING_TIMEOUT = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local REMEMBERED = tonumber(ARGV[6])
local ARGS = 7 -- where the arguments of the script itself begin

-- How much one run of a script looks at, so that Redis is not kept from others.
local MOST_SESSIONS, MOST_USERS, MOST_BRIDGES, MOST_FORGOTTEN = 250, 200, 16, 4

local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end

-- What subscribers are to hear, five texts for each.
local told = {}
local function tell(kind, a, b, c, d)
  for _, text in ipairs({kind, a, b, c, d}) do told[#told + 1] = text end
end

-- Lua prints fourteen digits of a number, which is too few for a time.
local function text(number) return string.format('%.0f', number) end

-- A value is an id, a line feed, which no id has, and any text.
local function divide(value)
  local at = string.find(value, '\n', 1, true)
  return string.sub(value, 1, at - 1), string.sub(value, at + 1)
end

local function stream_key(stream) return base .. 'stream:' .. stream end
local function ended_key(bridge) return base .. 'ended:' .. bridge end
local function room_key(conversation) return base .. 'room:' .. conversation end
-- A bridge's entry is when it attached, a space, and its stream; or nothing, when only ended streams are left of it.
local function attached(bridge)
  local entry = redis.call('HGET', BRIDGES, bridge)
  if not entry or entry == '' then return nil, nil, entry end
  local at = string.find(entry, ' ', 1, true)
  return string.sub(entry, at + 1), tonumber(string.sub(entry, 1, at - 1)), entry
end

local function stop_typing(member)
  local said = redis.call('HGET', TYPING, member)
  if not said then return end
  redis.call('HDEL', TYPING, member)
  redis.call('ZREM', RENEWAL, member)
  tell('typing', '0', said, '', '')
end

local function arrive(user, id, name, silent)
  local known = redis.call('HGET', USERS, user)
  if known then id = divide(known) end
  redis.call('HSET', USERS, user, id .. '\n' .. name)
  local count = redis.call('HINCRBY', SESSIONS, user, 1)
  if known then
    redis.call('ZREM', LEAVING, user)
  else
    redis.call('HSET', LAST, user, text(now))
    if silent ~= '1' then tell('online', id, name, text(now), text(count)) end
  end
end

-- `at` says when the session stopped counting, and `seen` when its user was last seen.
local function depart(session, at, seen)
  local user, conversation = string.sub(session, 1, 36), string.sub(session, 38)
  if redis.call('HEXISTS', USERS, user) == 1 then
    local count = redis.call('HINCRBY', SESSIONS, user, -1)
    if seen > (tonumber(redis.call('HGET', LAST, user)) or 0) then redis.call('HSET', LAST, user, text(seen)) end
    if count <= 0 then
      redis.call('HSET', SESSIONS, user, 0)
      redis.call('ZADD', LEAVING, text(at + OFFLINE_AFTER), user)
    end
  end
  if conversation == '' then return end
  local room = room_key(conversation)
  if redis.call('HEXISTS', room, user) == 0 or redis.call('HINCRBY', room, user, -1) > 0 then return end
  redis.call('HDEL', room, user)
  if redis.call('EXISTS', room) == 0 then redis.call('HDEL', ROOMS, conversation) end
  stop_typing(conversation .. ' ' .. user)
end

local function end_stream(bridge, stream)
  redis.call('ZADD', ENDED, text(now), stream .. ' ' .. bridge)
  redis.call('SADD', ended_key(bridge), stream)
  redis.call('HSET', BRIDGES, bridge, '')
  redis.call('ZREM', LEASES, bridge)
end

local function revive(bridge, stream)
  redis.call('ZREM', ENDED, stream .. ' ' .. bridge)
  redis.call('SREM', ended_key(bridge), stream)
end

-- Takes out at most `most` sessions of an ended stream, and the stream when it has none left. How many it took.
local function reap(bridge, stream, at, seen, most)
  local sessions = redis.call('HRANDFIELD', stream_key(stream), most, 'WITHVALUES')
  for index = 1, #sessions, 2 do
    redis.call('HDEL', stream_key(stream), sessions[index])
    depart(sessions[index + 1], at, seen)
  end
  if redis.call('EXISTS', stream_key(stream)) == 0 then
    revive(bridge, stream)
    if redis.call('EXISTS', ended_key(bridge)) == 0 and redis.call('HGET', BRIDGES, bridge) == '' then
      redis.call('HDEL', BRIDGES, bridge)
    end
  end
  return #sessions / 2
end

local function go_offline(user)
  redis.call('ZREM', LEAVING, user)
  local known = redis.call('HGET', USERS, user)
  if not known then return end
  local last = redis.call('HGET', LAST, user) or text(now)
  for _, key in ipairs({USERS, SESSIONS, LAST}) do redis.call('HDEL', key, user) end
  local id, name = divide(known)
  tell('offline', id, name, last, '0')
  if REMEMBERED == 0 then return end
  redis.call('HSET', SEEN, user, last .. '\n' .. known)
  redis.call('ZADD', SEEN_AT, last, user)
  -- One too many, or more where fewer are to be remembered than before.
  for _ = 1, math.min(redis.call('ZCARD', SEEN_AT) - REMEMBERED, MOST_FORGOTTEN) do
    redis.call('HDEL', SEEN, redis.call('ZPOPMIN', SEEN_AT)[1])
  end
end

-- What time alone has changed, as far as one run goes. A lease that is over may be a process that was held up: the grace begins.
local function expire()
  for _, bridge in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', text(now), 'LIMIT', 0, MOST_BRIDGES)) do
    local stream = attached(bridge)
    if stream then end_stream(bridge, stream) else redis.call('ZREM', LEASES, bridge) end
  end
  local left = MOST_SESSIONS
  local overdue =
    redis.call('ZRANGEBYSCORE', ENDED, '-inf', text(now - GRACE), 'WITHSCORES', 'LIMIT', 0, MOST_BRIDGES)
  -- In the order in which they ended: the last one decides when its user goes offline.
  for index = 1, #overdue, 2 do
    if left > 0 then
      local space = string.find(overdue[index], ' ', 1, true)
      local stream, bridge = string.sub(overdue[index], 1, space - 1), string.sub(overdue[index], space + 1)
      local ended = tonumber(overdue[index + 1])
      left = left - reap(bridge, stream, ended + GRACE, ended, left)
    end
  end
  for _, user in ipairs(redis.call('ZRANGEBYSCORE', LEAVING, '-inf', text(now), 'LIMIT', 0, MOST_USERS)) do
    go_offline(user)
  end
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', RENEWAL, '-inf', text(now), 'LIMIT', 0, MOST_USERS)) do
    stop_typing(member)
  end
end

-- How long until something is due; -1 when nothing is.
local function wait()
  local soonest = nil
  for key, extra in pairs({[LEASES] = 0, [ENDED] = GRACE, [LEAVING] = 0, [RENEWAL] = 0}) do
    local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
    if first and (not soonest or tonumber(first) + extra < soonest) then soonest = tonumber(first) + extra end
  end
  if not soonest then return -1 end
  return math.max(0, soonest - now)
end

local function answer(status, more) return {status, told, wait(), more or {}} end

expire()

