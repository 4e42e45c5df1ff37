/**
 * What is done with kept answers inside Valkey.
 *
 * Of each tenant there are an entry for each answer, which Valkey forgets by itself after its lifetime, and two indexes
 * that bound how many and how large those are together: when each was last used, and its bytes. Field "" of those is
 * their sum. What Valkey has thrown out itself (for want of memory, say) stays counted until it would have expired.
 */
import { script } from "../valkey/script.ts";

/** KEYS: indexes of use and of bytes. ARGV: what all entries' names begin with, lifetime in ms. */
const PREAMBLE = `
local used, sizes = KEYS[1], KEYS[2]
local prefix, lifetimeMs = ARGV[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local nowUs = time[1] * 1000000 + time[2]

local function forget(id)
  local bytes = redis.call('HGET', sizes, id)
  if bytes then
    redis.call('HDEL', sizes, id)
    redis.call('HINCRBY', sizes, '', '-' .. bytes)
  end
  redis.call('ZREM', used, id)
  return redis.call('DEL', prefix .. id)
end

local function stay()
  redis.call('PEXPIRE', used, lifetimeMs)
  redis.call('PEXPIRE', sizes, lifetimeMs)
end
`;

/** ARGV: …, id, its bytes, how many there may be, of how many bytes together, then fields and values. */
export const KEEP = script(
  "keep",
  `${PREAMBLE}
local id, bytes, maxCount, maxBytes = ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
-- Writes nothing new, but is refused while the memory is full; after a command that frees some, none would be.
redis.call('HINCRBY', sizes, '', 0)
for _, old in ipairs(redis.call('ZRANGEBYSCORE', used, '-inf', nowUs - 1000 * lifetimeMs, 'LIMIT', 0, 1000)) do
  forget(old)
end
forget(id)
redis.call('HSET', prefix .. id, unpack(ARGV, 7))
redis.call('PEXPIRE', prefix .. id, lifetimeMs)
redis.call('ZADD', used, nowUs, id)
redis.call('HSET', sizes, id, bytes)
redis.call('HINCRBY', sizes, '', bytes)
while redis.call('ZCARD', used) > maxCount or tonumber(redis.call('HGET', sizes, '')) > maxBytes do
  local oldest = redis.call('ZRANGE', used, 0, 0)[1]
  if not oldest or oldest == id then
    redis.call('DEL', sizes)
    redis.call('HSET', sizes, id, bytes, '', bytes)
    break
  end
  forget(oldest)
end
stay()
return 1`,
);

/** ARGV: …, id. Returns the values of all fields. */
export const FIND = script(
  "find",
  `${PREAMBLE}
return redis.call('HMGET', prefix .. ARGV[3], 'previous', 'input', 'output', 'chain', 'response')`,
);

/**
 * ARGV: …, id, bytes of what was asked and answered that are enough, turns that are enough. Returns id, previous, input,
 * output and chain of each turn, newest first; they are young again.
 */
export const TURNS = script(
  "turns",
  `${PREAMBLE}
local id, enoughBytes, enoughTurns = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local turns, seen, bytes = {}, {}, 0
while id and not seen[id] and bytes < enoughBytes and #turns < enoughTurns do
  seen[id] = true
  local previous, input, output, chain =
    unpack(redis.call('HMGET', prefix .. id, 'previous', 'input', 'output', 'chain'))
  if not output then break end
  redis.call('PEXPIRE', prefix .. id, lifetimeMs)
  redis.call('ZADD', used, 'XX', nowUs - #turns, id)
  turns[#turns + 1] = { id, previous or '', input, output, chain }
  bytes = bytes + #input + #output
  id = previous
end
if #turns > 0 then stay() end
return turns`,
);

/** ARGV: …, id. Returns whether there was one. */
export const DELETE = script("delete", `${PREAMBLE}\nreturn forget(ARGV[3])`);
