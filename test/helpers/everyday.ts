/** `bin/piecemeal` as somebody types it, with a home of its own. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Command, ROOT, type Scope } from './command.js'

export const PIECEMEAL_BIN = join(ROOT, 'bin', 'piecemeal')

export interface Place {
  /** The working directory. */
  cwd: string
  /** What the user's own folders are in, and his node's control socket, so its path is short. */
  home: string
  /** Variables beside those. */
  variables?: Record<string, string>
}

export class Piecemeal extends Command {
  constructor (t: Scope, { cwd, home, variables = {} }: Place, ...args: string[]) {
    const all = { HOME: home, XDG_CACHE_HOME: join(home, 'cache'), XDG_CONFIG_HOME: join(home, 'config'), XDG_DATA_HOME: join(home, 'data'), PIECEMEAL_SOCKET: join(home, 'n.sock'), ...variables }
    super(t, 'env', [...Object.entries(all).map(([name, value]) => `${name}=${value}`), PIECEMEAL_BIN, ...args], { cwd })
  }

  /** Its output, once it has ended. @throws unless it ended with that status. */
  async done (status = 0): Promise<string> {
    const exit = await this.exit()
    if (exit.status !== status) throw new Error(`ended with ${exit.status ?? exit.signal}, not ${status}\nstdout: ${this.stdout}\nstderr: ${this.stderr}`)
    return this.stdout
  }
}

/** A folder of that home to work in. */
export function place (home: string, name: string): Place {
  const cwd = join(home, name)
  mkdirSync(cwd)
  return { cwd, home }
}

/** The ticket that a share prints. */
export async function ticketOf (share: Command): Promise<string> {
  const [, ticket = ''] = await share.waitFor(/^piecemeal get (pm1\S+)\n/m)
  return ticket
}
