-- The sockets of a user, by bridge. KEYS[1] is a hash; ARGV: the bridge, how many it has, how long the hash is kept in milliseconds,
-- and bridges that are not any more. Answers with all pairs of bridge and number.
for at = 4, #ARGV do redis.call('HDEL', KEYS[1], ARGV[at]) end
if ARGV[2] == '0' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return redis.call('HGETALL', KEYS[1])
