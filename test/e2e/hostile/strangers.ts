/** A network under attack, and those who attack it: what a stranger's connection can do, and what it costs the processes. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { link } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { tempDir, writePseudoRandom } from '../../helpers/files.js'
import { NodeCommand, startNode, startTracker, words, type TrackerCommand } from '../../helpers/piecemeal.js'
import { KiB, MiB } from '../../../lib/protocol/units.js'
import { ANSWERS, GOOD_ANSWER, line, PORTS, repeat, ROWS, type Port } from './messages.js'

export const HOST = '127.0.0.1'
/** A port that does not close a connection by then has missed its cue. */
export const CLOSED_WITHIN_MS = 8_000
/** Far beyond what is asserted, so that there is a number to tell. */
const DOWNLOADED_WITHIN_MS = 10_000
export const MOST_GROWTH_BYTES = 64 * MiB
/** Until the young generations of all threads have grown. */
const WARM_UPS = 4
const HONEST_FILES = Array.from({ length: 24 }, (_, i) => `honest-${i}.bin`)
export const HONEST_BYTES = 16 * MiB
/** Honest downloads beside one attack. */
const LEAST_BESIDE = 2
const MOST_BESIDE = 4

/** For tests that measure. */
export const options = { skip: existsSync('/proc/self/fd') ? false : 'what is measured here is in /proc, which this system has not' }

export interface Setting {
  tracker: TrackerCommand
  victim: NodeCommand
  fetcher: NodeCommand
  ports: Record<Port, number>
  /** Fetches a file that was not fetched yet. Gives the seconds as the node counts them: this process is busy attacking. */
  download: () => Promise<number>
}

export async function setUp (t: Test, flags: readonly string[] = []): Promise<Setting> {
  const dir = await tempDir(t)
  const tracker = await startTracker(t, { flags })
  // These are good names; only as keys they would be trouble.
  const victim = new NodeCommand(t, { name: 'constructor', tracker, dir, flags })
  const { input, output } = await victim.listening()
  const names = ['__proto__', 'constructor', ...HONEST_FILES]
  const original = join(dir, 'original')
  await writePseudoRandom(original, HONEST_BYTES)
  for (const name of names) await link(original, join(victim.folder, name))
  await victim.upload(...names)

  const fetcher = await startNode(t, { name: 'fetcher', tracker, dir, json: true, flags })
  const download = async (): Promise<number> => {
    const name = names.shift()
    if (name === undefined) throw new Error('there are not enough files')
    fetcher.say(`torrent -m download ${words([name])}`)
    const [line] = await fetcher.waitFor(new RegExp(`^\\{"event":"(?:saved|failed)","file":"${name}".*$`, 'm'), { ms: DOWNLOADED_WITHIN_MS })
    const event = JSON.parse(line) as { event: string, seconds: number }
    if (event.event !== 'saved') throw new Error(line)
    return event.seconds
  }
  return { tracker, victim, fetcher, ports: { tracker: tracker.port, input, output }, download }
}

/** A setting that is at work, so that what an attack costs can be told from what work costs. */
export class Siege {
  readonly setting: Setting
  readonly #before: Resources[]
  readonly #calmSeconds: number

  static async begin (t: Test): Promise<Siege> {
    const setting = await setUp(t)
    // A process that has served nobody yet is smaller and slower than one at work: V8 lets its young generation grow first.
    await setting.download()
    for (let i = 0; i < WARM_UPS; i++) await Promise.all(PORTS.map(async (port) => await talk(setting.ports[port], repeat(Buffer.from(`${line(port)}\n`.repeat(100)), 200), true)))
    return new Siege(setting, Math.max(await setting.download(), await setting.download()))
  }

  private constructor (setting: Setting, calmSeconds: number) {
    this.setting = setting
    this.#calmSeconds = calmSeconds
    this.#before = this.processes.map(({ pid }) => resources(pid))
  }

  get processes (): [TrackerCommand, NodeCommand] {
    return [this.setting.tracker, this.setting.victim]
  }

  /** An attack with honest downloads beside it, as many as it lasts for. */
  async beside (t: Test, attack: () => Promise<void>): Promise<void> {
    const attacked = attack().then(() => 'over')
    // Awaited below, after the downloads.
    attacked.catch(() => {})
    const seconds: number[] = []
    const failures: unknown[] = []
    // One that fails is told with the others; what comes after this attack is worth knowing all the same.
    const download = async (): Promise<number> => await this.setting.download().catch((error: unknown) => {
      failures.push(error)
      return Infinity
    })
    while (seconds.length < LEAST_BESIDE || (seconds.length < MOST_BESIDE && await Promise.race([attacked, setImmediate()]) !== 'over')) seconds.push(await download())
    await attacked
    // The mean of a few: other tests run on this machine as well.
    const mean = seconds.reduce((sum, each) => sum + each, 0) / seconds.length
    const most = this.#calmSeconds * 3 + 1
    t.ok(mean <= most, `a download takes at most ${most.toFixed(2)} s`, { calmSeconds: this.#calmSeconds, seconds, failures })
    for (const [i, process] of this.processes.entries()) {
      const growth = resources(process.pid).residentBytes - (this.#before[i]?.residentBytes ?? 0)
      t.ok(growth < MOST_GROWTH_BYTES, 'its memory is flat', { growth })
      t.comment(`${i === 0 ? 'tracker' : 'node'}: ${Math.round(growth / MiB)} MiB more`)
      t.ok(process.isRunning)
    }
  }

  /** Waits until descriptors and threads are back where they were. */
  async isOver (ms: number): Promise<void> {
    const isAsBefore = (): boolean => this.processes.every(({ pid }, i) => {
      const { descriptors, threads } = resources(pid)
      // Fewer than before is fine: an idle thread may have ended meanwhile.
      return descriptors <= (this.#before[i]?.descriptors ?? 0) && threads <= (this.#before[i]?.threads ?? 0)
    })
    await until(isAsBefore, 'descriptors and threads are back', ms, () => JSON.stringify({ before: this.#before, now: this.processes.map(({ pid }) => resources(pid)) }))
  }
}

/** One connection after the other: some of the rows go by the same name. */
export async function sendRows (
  t: Test, port: Port, knock: (bytes: Iterable<string | Uint8Array>) => Promise<Socket>, isRight?: (answer: { text: string }) => boolean
): Promise<void> {
  for (const { name, ports, bytes, expected, clientEnds = false } of ROWS) {
    if (!ports.includes(port)) continue
    const { text, isClosed } = await talk(await knock(bytes(port)), bytes(port), clientEnds)
    t.ok(isClosed, `${port}: closed after ${name}`)
    if (isRight) {
      t.ok(isRight({ text }), `${port}: no answer to ${name}`, { text: text.slice(0, 500) })
      continue
    }
    const answers = text.split('\n').filter((reply) => reply !== '').map((reply) => outcomeOf(reply)).join()
    const isExpected = expected.some((answer) => answers === (answer === GOOD_ANSWER ? ANSWERS[port] : answer))
    t.ok(isExpected, `${port}: the answer to ${name}`, { expected, answers, text: text.slice(0, 500) })
  }
}

/** Sends it all, and gives all that comes back until the connection is closed. */
export async function talk (to: number | Socket, bytes: Iterable<string | Uint8Array>, clientEnds: boolean): Promise<{ text: string, isClosed: boolean }> {
  const socket = typeof to === 'number' ? open(to) : to
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  const closed = isClosedWithin(socket, CLOSED_WITHIN_MS)
  for (const chunk of bytes) {
    if (socket.destroyed) break
    if (!socket.write(chunk)) await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed])
  }
  if (clientEnds) socket.end()
  const isClosed = await closed
  socket.destroy()
  return { text: Buffer.concat(chunks).toString(), isClosed }
}

/** Unlike `once`, it takes a reset for what it is: a way to be closed. */
export async function isClosedWithin (socket: Socket, ms: number): Promise<boolean> {
  return await new Promise<boolean>((resolve) => {
    const timer = setTimeout(resolve, ms, false)
    socket.once('close', () => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}

/** The code of a reply, or `ok`. */
function outcomeOf (reply: string): string {
  const { error } = JSON.parse(reply) as { error?: { code: string } }
  return error?.code ?? 'ok'
}

export function open (port: number, options: { localAddress?: string, allowHalfOpen?: boolean } = {}): Socket {
  const socket = connect({ host: HOST, port, noDelay: true, ...options })
  // A reset is one of the ways to be refused.
  socket.on('error', () => {})
  return socket
}

export interface Resources {
  residentBytes: number
  descriptors: number
  threads: number
}

export function resources (pid: number): Resources {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return {
    residentBytes: Number(kibibytes) * KiB,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: readdirSync(`/proc/${pid}/task`).length,
  }
}

/** Looks again and again: what another process holds open is no event here. */
export async function until (isTrue: () => boolean, what: string, ms: number, details = (): string => ''): Promise<void> {
  const deadlineMs = performance.now() + ms
  while (!isTrue()) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${ms} ms: ${what} ${details()}`)
    await sleep(50)
  }
}
