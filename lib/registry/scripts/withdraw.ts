/**
 * A node has a content no longer, if the record is still that connection's: what an old one says late removes nothing.
 *
 * Keys: the file, its complete and its partial owners. Answers `gone` if nobody has a file of that name any more.
 */
import { EDITIONS } from './editions.js'
import { script } from './script.js'

export const withdraw = script(EDITIONS, `
local file, short, node, owner = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local edition = load(file, short)
if edition then
  remove(edition, KEYS[2], node, 1, owner)
  remove(edition, KEYS[3], node, 2, owner)
  save(file, short, edition)
end
return redis.call('EXISTS', file) == 0 and 'gone' or 'ok'`)
