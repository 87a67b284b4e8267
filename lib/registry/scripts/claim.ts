/**
 * A node's name for a connection: if nobody has it, or the same session does, or whoever is expected to have it.
 *
 * Key: the node. Arguments: `TOKEN CONNECTION`, the session's hash, who is expected (or ''), whether the same session may take it,
 * how often it may within how long, how long the key stays, and the time if it is not Redis' own. Answers `ok`, or who has it.
 */
import { script } from './script.js'
import { NOW } from './trackers.js'

export const claim = script(NOW, `
local owner, session, expected, maySucceed, most, within, stays = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]
local value, changed = redis.call('GET', KEYS[1]), '-'
if value then
  local holder, other, times = value:match('^(%S+ %S+) (%S+) (%S+)$')
  if holder == owner or holder == expected then
    changed = times
  elseif maySucceed ~= '1' or other == '-' or other ~= session then
    return holder
  else
    local time, lately = now(ARGV[8]), {}
    for at in times:gmatch('%d+') do
      if time - tonumber(at) < within then lately[#lately + 1] = at end
    end
    if #lately >= most then return holder end
    lately[#lately + 1] = string.format('%d', time)
    changed = table.concat(lately, ',')
  end
end
redis.call('SET', KEYS[1], owner .. ' ' .. session .. ' ' .. changed, 'PX', stays)
return 'ok'`)
