/**
 * Removes the records of trackers that are dead from one file, and counts those that are left anew.
 *
 * Key: the file. Arguments: what its keys of owners begin with, the newest token, all tokens that live. Answers what is left, `gone` or `ok`,
 * how many records were removed, and how many contents were counted wrongly.
 */
import { EDITIONS } from './editions.js'
import { script } from './script.js'

export const sweep = script(EDITIONS, `
local file, base, newest, live = KEYS[1], ARGV[1], ARGV[2], {}
for i = 3, #ARGV do live[ARGV[i]] = true end
local removed, wrong = 0, 0
for _, short in ipairs(redis.call('HKEYS', file)) do
  local edition, gone = load(file, short), 0
  local counted = load(file, short)
  for _, claim in ipairs(counted.claims) do claim[1], claim[2], claim[3] = 0, 0, 0 end
  for kind, suffix in ipairs({ ':c', ':p' }) do
    local owners = base .. short .. suffix
    local records = redis.call('HGETALL', owners)
    for i = 1, #records, 2 do
      local token = records[i + 1]:sub(1, 13)
      count(counted, records[i + 1], kind, 1)
      -- One that is newer than all that are known is young, not dead.
      if not live[token] and token <= newest then
        redis.call('HDEL', owners, records[i])
        count(edition, records[i + 1], kind, -1)
        count(counted, records[i + 1], kind, -1)
        gone = gone + 1
      end
    end
  end
  removed = removed + gone
  if claimsOf(counted) ~= claimsOf(edition) then wrong = wrong + 1 end
  save(file, short, counted)
end
return (redis.call('EXISTS', file) == 0 and 'gone' or 'ok') .. ' ' .. removed .. ' ' .. wrong`)
