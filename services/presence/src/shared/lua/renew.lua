-- A process is there: for each bridge that is attached to it, the bridge's id, the stream, and when it attached. Answers for each with
-- "done", "lost" when Redis does not know it any more, or "superseded" when the bridge has attached again.
local states = {}
for at = ARGS, #ARGV, 3 do
  local bridge, stream = ARGV[at], ARGV[at + 1]
  local current = attached(bridge)
  local ended = not current and redis.call('ZSCORE', ENDED, stream .. ' ' .. bridge)
  if ended and tonumber(ended) + GRACE > now then
    -- The process was held up, and nothing has been taken away yet.
    revive(bridge, stream)
    redis.call('HSET', BRIDGES, bridge, ARGV[at + 2] .. ' ' .. stream)
    current = stream
  end
  if current == stream then
    redis.call('ZADD', LEASES, text(now + LEASE), bridge)
    states[#states + 1] = 'done'
  else
    states[#states + 1] = current and 'superseded' or 'lost'
  end
end
return answer('done', states)
