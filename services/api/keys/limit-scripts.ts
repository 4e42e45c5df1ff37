/**
 * What is counted of one key inside Valkey: what it has used of its minutes, and how many requests each replica has open.
 *
 * All of a key is one hash. What is used is paid off evenly, by Valkey's own clock, as in a token bucket. A replica says
 * how many requests it has open, and says it again: of one that is gone nothing counts after a while.
 */
import { script } from "../valkey/script.ts";

/** How long it is believed what a replica has said of its open requests. */
export const BELIEVED_MS = 30_000;
/** Debts are paid by then, and an empty book is as good as none. */
const FORGOTTEN_MS = 15 * 60_000;
/** Of a minute's worth: that itself, and debts of ten minutes. */
const USED_MAX_MINUTES = 11;

const PREAMBLE = `
local book = KEYS[1]
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)

local function usedOf(what, perMinute)
  local found = redis.call('HMGET', book, what, what .. ':at')
  if not found[1] then return 0 end
  return math.max(0, found[1] - math.max(0, nowMs - found[2]) * perMinute / 60000)
end

local function enter(what, used)
  redis.call('HSET', book, what, string.format('%.6f', used), what .. ':at', string.format('%.0f', nowMs))
end

local function sayOpen(replica, count)
  local what = 'open:' .. replica
  if count <= 0 then return redis.call('HDEL', book, what) end
  redis.call('HSET', book, what, string.format('%d:%.0f', count, nowMs + ${BELIEVED_MS}))
end

local function openElsewhere(replica)
  local sum = 0
  local all = redis.call('HGETALL', book)
  for index = 1, #all, 2 do
    local who = string.match(all[index], '^open:(.+)$')
    if who then
      local count, untilMs = string.match(all[index + 1], '^(%d+):(%d+)$')
      if tonumber(untilMs) <= nowMs then redis.call('HDEL', book, all[index])
      elseif who ~= replica then sum = sum + count end
    end
  end
  return sum
end

local function stay()
  redis.call('PEXPIRE', book, ${FORGOTTEN_MS})
end

local function lacks(perMinute, used)
  return perMinute and perMinute - used < 1 - 0.000001
end

local function written(number)
  return string.format('%.6f', number)
end
`;

/**
 * ARGV: replica, requests that it has open with this one, then the limits: requests and tokens per minute, open requests;
 * each may be empty. Returns what there is too little of, or nothing, and what is used of requests and tokens.
 */
export const OPEN = script(
  "limit-open",
  `${PREAMBLE}
local replica, here = ARGV[1], tonumber(ARGV[2])
local requests, tokens, most = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local usedRequests = requests and usedOf('requests', requests) or 0
local usedTokens = tokens and usedOf('tokens', tokens) or 0
local short = ''
if lacks(tokens, usedTokens) then short = 'tokens'
elseif lacks(requests, usedRequests) then short = 'requests'
elseif most and openElsewhere(replica) + here > most then short = 'concurrency' end
if short == '' then
  if requests then
    usedRequests = usedRequests + 1
    enter('requests', usedRequests)
  end
  sayOpen(replica, here)
else
  sayOpen(replica, here - 1)
end
stay()
return { short, written(usedRequests), written(usedTokens) }`,
);

/** ARGV: tokens per minute, how many are to be set aside. Returns what there is too little of, or nothing, and what is used. */
export const RESERVE = script(
  "limit-reserve",
  `${PREAMBLE}
local tokens = tonumber(ARGV[1])
local used = usedOf('tokens', tokens)
if lacks(tokens, used) then return { 'tokens', written(used) } end
enter('tokens', used + tonumber(ARGV[2]))
stay()
return { '', written(used) }`,
);

/** ARGV: replica, requests that it still has open, tokens per minute (may be empty), tokens to be charged or given back. */
export const SETTLE = script(
  "limit-settle",
  `${PREAMBLE}
sayOpen(ARGV[1], tonumber(ARGV[2]))
local tokens = tonumber(ARGV[3])
if tokens then
  local used = math.max(0, usedOf('tokens', tokens) + ARGV[4])
  enter('tokens', math.min(${USED_MAX_MINUTES} * tokens, used))
end
stay()
return 1`,
);
