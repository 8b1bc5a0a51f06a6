-- A stream has ended: the bridge's id and the stream. Its sessions count on for the grace.
local bridge, stream = ARGV[ARGS], ARGV[ARGS + 1]
if attached(bridge) == stream then end_stream(bridge, stream) end
return answer('done')
