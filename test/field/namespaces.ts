/** Two machines on one wire, as network namespaces: each with addresses, a loopback and a hosts file of its own. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command, escapeForRegExp, type Scope } from '../helpers/command.js'
import { NODE_BIN, TRACKER_BIN } from '../helpers/piecemeal.js'

/** Where `ip netns exec` looks for files to put in the place of those of `/etc`. */
const CONFIG = '/etc/netns'
const HOSTS = `::1 localhost
127.0.0.1 localhost
10.78.0.1 trk4
10.78.0.1 trk
fd78::1 trk
10.78.0.1 host1
10.78.0.2 host2
`

export class Machine {
  readonly name: string
  readonly #scope: Scope

  constructor (t: Scope, name: string) {
    this.name = name
    this.#scope = t
  }

  tracker (...flags: string[]): Command {
    return new Command(this.#scope, 'ip', ['netns', 'exec', this.name, TRACKER_BIN, ...flags])
  }

  node (...flags: string[]): Command {
    return new Command(this.#scope, 'ip', ['netns', 'exec', this.name, NODE_BIN, ...flags])
  }

  run (program: string, ...args: string[]): Command {
    return new Command(this.#scope, 'ip', ['netns', 'exec', this.name, program, ...args])
  }

  /** The cable of this machine, out or in again. */
  setCable (state: 'out' | 'in'): void {
    ip('-n', this.name, 'link', 'set', 'wire', state === 'in' ? 'up' : 'down')
  }
}

/** `10.78.0.1` and `fd78::1`, `10.78.0.2` and `fd78::2`. */
export function twoMachines (t: Scope): [Machine, Machine] {
  const names = [1, 2].map((n) => `piecemeal-${process.pid}-${n}`) as [string, string]
  t.teardown(() => {
    for (const name of names) {
      ip('netns', 'del', name)
      rmSync(join(CONFIG, name), { recursive: true, force: true })
    }
  })
  for (const name of names) {
    ip('netns', 'add', name)
    ip('-n', name, 'link', 'set', 'lo', 'up')
    mkdirSync(join(CONFIG, name), { recursive: true })
    writeFileSync(join(CONFIG, name, 'hosts'), HOSTS)
  }
  const [one, other] = names
  ip('-n', one, 'link', 'add', 'wire', 'type', 'veth', 'peer', 'name', 'wire', 'netns', other)
  for (const [i, name] of names.entries()) {
    ip('-n', name, 'addr', 'add', `10.78.0.${i + 1}/24`, 'dev', 'wire')
    ip('-n', name, 'addr', 'add', `fd78::${i + 1}/64`, 'dev', 'wire', 'nodad')
    ip('-n', name, 'link', 'set', 'wire', 'up')
  }
  return [new Machine(t, one), new Machine(t, other)]
}

/** The line that begins so, as soon as it is printed on standard output. */
export async function lineOf (command: Command, beginning: string): Promise<string> {
  const [line] = await command.waitFor(new RegExp(`^${escapeForRegExp(beginning)}.*\n`, 'm'))
  return line
}

function ip (...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] })
}
