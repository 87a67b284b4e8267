/** Key: what somebody holds, a name or a lock. Argument: what it begins with if it is still theirs. */
import { script } from './script.js'

export const free = script(`
local value = redis.call('GET', KEYS[1])
if value and value:sub(1, #ARGV[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 'ok'`)
