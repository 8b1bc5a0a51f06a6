-- Time passes. Answers with the epoch, or nothing when Redis has lost everything, and with how many users are online, bridges known
-- and users typing.
return answer('done', {
  redis.call('GET', EPOCH) or '',
  text(redis.call('HLEN', USERS)), text(redis.call('HLEN', BRIDGES)), text(redis.call('HLEN', TYPING)),
})
