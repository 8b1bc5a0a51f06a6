-- A bridge has reported all of its sessions: its id and its stream. What earlier streams reported and this one did not is gone.
-- Answers "more" when this run did not come to the end.
local bridge, stream = ARGV[ARGS], ARGV[ARGS + 1]
local current = attached(bridge)
if current ~= stream then return answer(current and 'superseded' or 'lost') end
local left = MOST_SESSIONS
for _, before in ipairs(redis.call('SMEMBERS', ended_key(bridge))) do
  if left <= 0 then return answer('more') end
  local ended = tonumber(redis.call('ZSCORE', ENDED, before .. ' ' .. bridge)) or now
  left = left - reap(bridge, before, now, ended, left)
end
return answer(redis.call('EXISTS', ended_key(bridge)) == 1 and 'more' or 'done')
