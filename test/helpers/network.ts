/**
 * Hosts on one switch, as network namespaces of this machine, with links as slow, long and lossy as
 * is wanted: real TCP over them. Nothing in it reaches anything outside, or is reached from there.
 */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './command.js'

export interface Link {
  /** Megabits a second, each way. @default as fast as the machine */
  mbit?: number | undefined
  /** What the link adds to a round trip. @default none */
  rttMs?: number
  /** Of the packets of each way. @default none */
  lossPercent?: number
}

type Argv = readonly [string, ...string[]]

/** A bucket of a millisecond, but at least a packet as the stack hands it down, and a queue of 25 ms, as in a small switch. */
const BURST_BYTES = { aMbit: 125, least: 65_536 }
const QUEUE_BYTES = { aMbit: 3_125, least: 262_144 }
/** What an ordinary machine starts with. */
const SETTINGS = ['net.ipv4.tcp_rmem=4096 131072 6291456', 'net.ipv4.tcp_wmem=4096 16384 4194304']
const PROBE = `piecemeal-${process.pid}-probe`

let networks = 0

/** Undefined if networks can be made here, otherwise what they lack. */
export function networkHint (): string | undefined {
  if (process.getuid?.() !== 0) return 'wants root'
  if (!['ip', 'tc', 'python3'].every((program) => spawnSync('which', [program]).status === 0)) return 'apt-get install iproute2 python3'
  if (!existsSync('/dev/net/tun')) return 'there is no /dev/net/tun'
  if (spawnSync('ip', ['netns', 'add', PROBE]).status !== 0) return 'no network namespace may be made'
  ip('netns', 'del', PROBE)
  return undefined
}

export class Network {
  readonly #name = `piecemeal-${process.pid}-${networks++}`
  readonly #switch = `${this.#name}-switch`
  readonly #namespaces: string[] = []
  readonly #wires: ChildProcess[] = []
  readonly #onExit = (): void => this.close()

  constructor () {
    process.on('exit', this.#onExit)
    this.#add(this.#switch)
    ip('-n', this.#switch, 'link', 'add', 'switch', 'type', 'bridge', 'forward_delay', '0', 'stp_state', '0', 'mcast_snooping', '0')
    ip('-n', this.#switch, 'link', 'set', 'switch', 'up')
  }

  async host ({ mbit, rttMs = 0, lossPercent = 0 }: Link = {}): Promise<Host> {
    const number = this.#namespaces.length
    const host = new Host(`${this.#name}-${number}`, `10.79.0.${number}`)
    const port = `port${number}`
    this.#add(host.name)
    if (rttMs > 0 || lossPercent > 0) await this.#wire(host.name, port, rttMs / 2, lossPercent)
    else ip('-n', host.name, 'link', 'add', 'wire', 'type', 'veth', 'peer', 'name', port, 'netns', this.#switch)
    ip('-n', this.#switch, 'link', 'set', port, 'master', 'switch', 'up')
    ip('-n', host.name, 'addr', 'add', `${host.address}/24`, 'dev', 'wire')
    ip('-n', host.name, 'link', 'set', 'wire', 'up')
    // The default of Linux; where this machine has another one, a namespace may not choose freely, but a route may.
    ip('-n', host.name, 'route', 'change', '10.79.0.0/24', 'dev', 'wire', 'congctl', 'cubic')
    if (mbit !== undefined) for (const [name, device] of [[host.name, 'wire'], [this.#switch, port]] as const) shape(name, device, mbit)
    return host
  }

  /** Ends whatever runs there. Safe to call twice. */
  close (): void {
    process.off('exit', this.#onExit)
    for (const wire of this.#wires.splice(0)) wire.kill('SIGKILL')
    for (const name of this.#namespaces.splice(0)) {
      for (const pid of execFileSync('ip', ['netns', 'pids', name], { encoding: 'utf8' }).split('\n')) if (pid !== '') spawnSync('kill', ['-KILL', pid])
      ip('netns', 'del', name)
    }
  }

  #add (name: string): void {
    ip('netns', 'add', name)
    this.#namespaces.push(name)
    ip('-n', name, 'link', 'set', 'lo', 'up')
    for (const setting of SETTINGS) run('ip', 'netns', 'exec', name, 'sysctl', '-q', '-w', setting)
  }

  async #wire (host: string, port: string, delayMs: number, lossPercent: number): Promise<void> {
    const wire = spawn('python3', [join(ROOT, 'test/helpers/wire.py'), host, 'wire', this.#switch, port, String(delayMs), String(lossPercent)], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#wires.push(wire)
    const [line] = await Promise.race([once(wire.stdout, 'data'), once(wire, 'exit')]) as [Buffer | number]
    if (!String(line).startsWith('up')) throw new Error(`no wire to ${host}: ${String(line)}`)
  }
}

/** A machine on that network. */
export class Host {
  /** Of its namespace. */
  readonly name: string
  readonly address: string

  constructor (name: string, address: string) {
    this.name = name
    this.address = address
  }

  /** A command, to be run there. */
  argv (argv: Argv): Argv {
    return ['ip', 'netns', 'exec', this.name, ...argv]
  }

  isListening (port: number): boolean {
    const [program, ...args] = this.argv(['ss', '-Hltn', `sport = :${port}`])
    return execFileSync(program, args).length > 0
  }
}

function shape (namespace: string, device: string, mbit: number): void {
  const [burst, limit] = [BURST_BYTES, QUEUE_BYTES].map(({ aMbit, least }) => String(Math.max(least, aMbit * mbit))) as [string, string]
  run('tc', '-n', namespace, 'qdisc', 'add', 'dev', device, 'root', 'tbf', 'rate', `${mbit}mbit`, 'burst', burst, 'limit', limit)
}

function ip (...args: string[]): void {
  run('ip', ...args)
}

function run (program: string, ...args: string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
}
