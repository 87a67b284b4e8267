/**
 * A node's record of a content, in the place of what it had under that name.
 *
 * Keys: the file; complete and partial owners of the content, and of the former one. Answers `new` if nobody had a file of that name,
 * `added`; `other` if another digest begins like this one, `full` if too many different things are said of it.
 */
import { MOST_CLAIMS } from '../limits.js'
import { EDITIONS } from './editions.js'
import { script } from './script.js'

export const have = script(EDITIONS, `
local file, short, digest, node, record, kind, text, former = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6], ARGV[7]
local edition = load(file, short)
if edition and edition.digest ~= digest then return 'other' end
local isNew = redis.call('EXISTS', file) == 0
edition = edition or { digest = digest, since = redis.call('TIME')[1], claims = {} }

local number
for i, claim in ipairs(edition.claims) do
  if claim[4] == text then number = i end
end
if not number then
  for i, claim in ipairs(edition.claims) do
    if claim[1] + claim[2] == 0 then number = i end
  end
  number = number or #edition.claims + 1
  if number > ${MOST_CLAIMS} then return 'full' end
  edition.claims[number] = { 0, 0, 0, text }
end
record = record .. ' ' .. (number < 10 and tostring(number) or string.char(87 + number))

if former ~= '' and former ~= short then
  local old = load(file, former)
  if old then
    remove(old, KEYS[4], node, 1, '')
    remove(old, KEYS[5], node, 2, '')
    save(file, former, old)
  end
end
remove(edition, KEYS[2], node, 1, '')
remove(edition, KEYS[3], node, 2, '')
redis.call('HSET', KEYS[1 + kind], node, record)
count(edition, record, kind, 1)
save(file, short, edition)
return isNew and 'new' or 'added'`)
