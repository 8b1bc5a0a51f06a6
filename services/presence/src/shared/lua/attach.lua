-- A bridge attaches: its id, the new stream, when it attached first (nothing: now), how many bridges there may be, and what the
-- epoch is called if there is none. Answers with the epoch and with when it attached.
local bridge, stream, since = ARGV[ARGS], ARGV[ARGS + 1], tonumber(ARGV[ARGS + 2])
local current, current_since, entry = attached(bridge)
if not entry and redis.call('HLEN', BRIDGES) >= tonumber(ARGV[ARGS + 3]) then return answer('full') end
-- A stream that is new comes after any other, also where the clock was put back.
if not since then since = math.max(now, (current_since or 0) + 1) end
if current and current ~= stream then
  if current_since > since then return answer('superseded') end
  end_stream(bridge, current)
end
revive(bridge, stream)
redis.call('HSET', BRIDGES, bridge, text(since) .. ' ' .. stream)
redis.call('ZADD', LEASES, text(now + LEASE), bridge)
redis.call('SETNX', EPOCH, ARGV[ARGS + 4])
return answer('done', {redis.call('GET', EPOCH), text(since)})
