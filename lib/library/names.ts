/** Names that nobody has to type. */
import { randomInt } from 'node:crypto'
import { homedir, hostname } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { PiecemealError } from '../protocol/errors.js'
import { NODE_NAME_CHARACTERS } from '../protocol/limits.js'

/** Of nodes on one machine, before a name is made up. */
const MOST_NUMBERED = 8
/** Room for `-` and a number. */
const NUMBER_CHARACTERS = 7

/** The host's name, as a node may have it. */
export function hostNodeName (host = hostname()): string {
  const valid = host.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '').slice(0, NODE_NAME_CHARACTERS - NUMBER_CHARACTERS)
  return valid === '' ? 'node' : valid
}

/** Starts what has to have a name of its own: another one each time the name was taken. @param exact the name that was asked for @throws E_NAME_TAKEN if that is taken. */
export async function withFreeName<T> (exact: string | undefined, start: (name: string) => Promise<T>, base = hostNodeName()): Promise<T> {
  if (exact !== undefined) return await start(exact)
  for (let number = 1; ; number++) {
    try {
      return await start(number === 1 ? base : `${base}-${number <= MOST_NUMBERED ? number : randomInt(10_000, 1_000_000)}`)
    } catch (error) {
      if (!(error instanceof PiecemealError) || error.code !== 'E_NAME_TAKEN' || number > 2 * MOST_NUMBERED) throw error
    }
  }
}

/** Where digests are remembered, of all that this user shares. */
export function userCache ({ XDG_CACHE_HOME: cache = '' } = process.env): string {
  return join(isAbsolute(cache) ? cache : join(homedir(), '.cache'), 'piecemeal')
}

/** Where a node in the background has its files. */
export function userFolder ({ XDG_DATA_HOME: data = '' } = process.env): string {
  return join(isAbsolute(data) ? data : join(homedir(), '.local', 'share'), 'piecemeal')
}
