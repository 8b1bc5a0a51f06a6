-- Presence of users, by their UUIDs. Answers for each with four texts: "online", id, name and number of sessions; "offline", id, name
-- and when last seen; or nothing four times, when it is not known here. The time comes first.
local found = {text(now)}
for at = ARGS, #ARGV do
  local user = ARGV[at]
  local known = redis.call('HGET', USERS, user)
  local state, last = 'online', nil
  if known then
    last = redis.call('HGET', SESSIONS, user) or '0'
  elseif REMEMBERED > 0 then
    local seen = redis.call('HGET', SEEN, user)
    if seen then
      state = 'offline'
      last, known = divide(seen)
    end
  end
  local id, name = '', ''
  if known then id, name = divide(known) else state, last = '', '' end
  for _, part in ipairs({state, id, name, last}) do found[#found + 1] = part end
end
return answer('done', found)
