/** A Lua script that Redis runs as a whole, known to it by the hash of its text once it has seen it. */
import { createHash } from 'node:crypto'

export interface Script {
  lua: string
  sha: string
}

/** All answer one string: a client takes long to read arrays of many. */
export function script (...parts: string[]): Script {
  const lua = parts.join('\n')
  return { lua, sha: createHash('sha1').update(lua).digest('hex') }
}
