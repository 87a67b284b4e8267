/**
 * Who has a file: the content and owners that were drawn of it.
 *
 * Key: the file. Arguments: what its keys of owners begin with, what the digest begins with, how many owners to draw, what the line
 * that is known begins with (or ''). Answers `none`; `same` if it still does; `several` and a line each; or `one`, its line, complete owners, an empty
 * line, partial ones: a line for the name and one for the record.
 */
import { script } from './script.js'

export const need = script(`
local base, asked, most, known = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local editions, lines, short = redis.call('HGETALL', KEYS[1]), {}, nil
for i = 1, #editions, 2 do
  if editions[i]:sub(1, #asked) == asked then
    short = editions[i]
    lines[#lines + 1] = editions[i + 1]
  end
end
if not short then return 'none' end
if #lines > 1 then return 'several\\n' .. table.concat(lines, '\\n') end
if known ~= '' and lines[1]:sub(1, #known) == known then return 'same' end
local complete, partial = redis.call('HRANDFIELD', base .. short .. ':c', most, 'WITHVALUES'), {}
local left = most - #complete / 2
if left > 0 then partial = redis.call('HRANDFIELD', base .. short .. ':p', left, 'WITHVALUES') end
return 'one\\n' .. lines[1] .. '\\n' .. table.concat(complete, '\\n') .. '\\n\\n' .. table.concat(partial, '\\n')`)
