/**
 * What the scripts have in common: the line of one content under a name, which says how many owners say
 * what of it, so that nobody has to look through the owners for that.
 *
 *     DIGEST SINCE VERSION  COMPLETE PARTIAL ORIGINS CLAIM  COMPLETE PARTIAL ORIGINS CLAIM …
 *
 * The version is the time in microseconds of the last change of any owner's record: whoever knows it knows all of them. It is no count, which
 * a replica that lacks the last writes, or a content that is announced anew, would begin again.
 * A claim is what a record says beside the digest, and a record ends with `FLAGS NUMBER`, the number of its claim
 * in base 36. One that nobody makes any more keeps its place, as others are known by theirs.
 */
export const EDITIONS = `
local function load(file, short)
  local line = redis.call('HGET', file, short)
  if not line then return nil end
  local words = {}
  for word in line:gmatch('%S+') do words[#words + 1] = word end
  local edition = { digest = words[1], since = words[2], claims = {} }
  for i = 4, #words, 4 do
    edition.claims[#edition.claims + 1] = { tonumber(words[i]), tonumber(words[i + 1]), tonumber(words[i + 2]), words[i + 3] }
  end
  return edition
end

-- '' where nobody claims anything
local function claimsOf(edition)
  local words, owners = {}, 0
  for _, claim in ipairs(edition.claims) do
    owners = owners + claim[1] + claim[2]
    words[#words + 1] = table.concat(claim, ' ')
  end
  return owners == 0 and '' or table.concat(words, ' ')
end

local function save(file, short, edition)
  local claims, time = claimsOf(edition), redis.call('TIME')
  if claims == '' then redis.call('HDEL', file, short)
  else redis.call('HSET', file, short, table.concat({ edition.digest, edition.since, string.format('%s%06d', time[1], tonumber(time[2])), claims }, ' ')) end
end

-- kind: 1 for those that have all of it, 2 for the others
local function count(edition, record, kind, change)
  local flags, number = record:match('(%S+) (%S+)$')
  local claim = edition.claims[tonumber(number, 36)]
  if not claim then return end
  claim[kind] = math.max(0, claim[kind] + change)
  if tonumber(flags) >= 2 then claim[3] = math.max(0, claim[3] + change) end
end

-- owner: what the record has to begin with, '' for any
local function remove(edition, owners, node, kind, owner)
  local record = redis.call('HGET', owners, node)
  if not record or record:sub(1, #owner) ~= owner then return end
  redis.call('HDEL', owners, node)
  count(edition, record, kind, -1)
end`
