/** Key: a part of the names. Arguments: what they begin with, the name to go on after, how many. Answers a line each. */
import { script } from './script.js'

export const names = script(`
local prefix, after, most = ARGV[1], ARGV[2], ARGV[3]
local from = after ~= '' and '(' .. after or '[' .. prefix
local to = prefix == '' and '+' or '[' .. prefix .. '\\255'
return table.concat(redis.call('ZRANGEBYLEX', KEYS[1], from, to, 'LIMIT', 0, most), '\\n')`)
