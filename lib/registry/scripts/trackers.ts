/**
 * The list of trackers, a sorted set: a token to the end of its lease. 0 is the end of one that is dead and whose
 * records are still to be swept; nothing brings such a token back.
 */
import { script } from './script.js'

/** The time in milliseconds: Redis' own, or what a test says. */
export const NOW = `
local function now(given)
  if given ~= '' then return tonumber(given) end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end`

/**
 * A new token, larger than all that are known, and in the list with it. Arguments: four random digits, a token that it has to be larger
 * than (or ''), the length of a lease, the time. Answers the token, and all others that were there.
 */
export const register = script(NOW, `
local DIGITS = '0123456789abcdefghijklmnopqrstuvwxyz'
local random, floor, lease = ARGV[1], ARGV[2], tonumber(ARGV[3])
local time = now(ARGV[4])
local others = redis.call('ZRANGE', KEYS[1], 0, -1)
local least = time
for _, token in ipairs(others) do least = math.max(least, tonumber(token:sub(1, 9), 36) + 1) end
if floor ~= '' then least = math.max(least, tonumber(floor:sub(1, 9), 36) + 1) end
local token = ''
for _ = 1, 9 do
  local digit = least % 36 + 1
  token = DIGITS:sub(digit, digit) .. token
  least = math.floor(least / 36)
end
token = token .. random
redis.call('ZADD', KEYS[1], string.format('%.0f', time + lease), token)
return token .. ' ' .. table.concat(others, ' ')`)

/**
 * Another lease, unless the token is dead. Arguments: the token, the length of a lease, the time; then each token that has not been renewed
 * for too long, with the end that it had all the while: it is dead now, unless it was renewed after all. Answers `held` or `lost`, the time, and
 * all tokens with their ends.
 */
export const renew = script(NOW, `
local token, lease, time = ARGV[1], tonumber(ARGV[2]), now(ARGV[3])
local ends = redis.call('ZSCORE', KEYS[1], token)
local isHeld = ends and tonumber(ends) > 0
if isHeld then redis.call('ZADD', KEYS[1], string.format('%.0f', time + lease), token) end
for i = 4, #ARGV, 2 do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if score and tonumber(score) == tonumber(ARGV[i + 1]) then redis.call('ZADD', KEYS[1], 0, ARGV[i]) end
end
return (isHeld and 'held ' or 'lost ') .. string.format('%.0f', time) .. ' ' .. table.concat(redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES'), ' ')`)
