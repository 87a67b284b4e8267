/**
 * Random and mutated messages against the three ports, the same ones for the same seed. Afterwards
 * everybody lives and an honest download works.
 *
 * `PIECEMEAL_FUZZ_SECONDS` (60 at most) goes on for longer, `PIECEMEAL_FUZZ_SEED` repeats a run.
 */
import { connect } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { firstDifference, tempDir, writePseudoRandom } from '../helpers/files.js'
import { complaints, startNode, startTracker } from '../helpers/piecemeal.js'
import { MiB } from '../../lib/protocol/units.js'

const SECONDS = Math.min(60, Number(process.env.PIECEMEAL_FUZZ_SECONDS ?? 3))
const SEED = Number(process.env.PIECEMEAL_FUZZ_SEED ?? Date.now() % 2 ** 32)
/** Connections at once to each port: fewer than the 64 strangers that one address may be. */
const STREAMS = 8
/** The client has closed its side: whatever it said, the server has no reason to keep it. */
const CLOSED_WITHIN_MS = 12_000

type Port = 'tracker' | 'input' | 'output'

const DIGEST = `blake3:${'5'.repeat(64)}`

/** Valid messages to begin with. What is asked for by its right digest is added when it is known. */
function seedMessages (digest: string, name: string): Record<Port, object[]> {
  const node = { type: 'NodeToTracker', name }
  const content = { filename: 'a.bin', size: 3 * MiB, digest, pieceLength: MiB }
  return {
    tracker: [
      { ...node, mode: 'have', ...content, inputPort: 1, outputPort: 2, complete: false },
      { ...node, mode: 'have', ...content, digest: DIGEST, filename: '__proto__', inputPort: 65_535, outputPort: 1 },
      { ...node, mode: 'need', filename: 'a.bin' },
      { ...node, mode: 'need', filename: 'a.bin', digest: digest.slice(0, 20) },
      { ...node, mode: 'exit', filename: 'a.bin' },
      { ...node, mode: 'exit' },
      { ...node, mode: 'list', prefix: 'a' },
      { ...node, mode: 'alive' },
    ],
    input: [
      { type: 'SizeInformation', filename: 'a.bin', digest, size: -1 },
      { type: 'SizeInformation', filename: 'a.bin', size: -1, pieces: false },
      { type: 'SizeInformation', filename: 'constructor', digest: DIGEST, size: -1 },
    ],
    output: [
      { type: 'FileCommunication', filename: 'a.bin', digest, range: [0, 70_000] },
      { type: 'FileCommunication', filename: 'a.bin', digest, range: [MiB, MiB] },
      { type: 'FileCommunication', filename: 'b.bin', digest: DIGEST, range: [0, 1] },
    ],
  }
}

/** Tokens that have broken something somewhere. */
const TOKENS = [
  'null', 'true', '-1', '1.5', '1e400', '-0', '9007199254740993', '""', '"\\ud800"', '"\\u0000"', '[]', '{}', '[[[[[[[[[[', '"__proto__"',
  '"../x"', '{"length":4294967295}', '"\u202e"', '"x', ',', ':', '}', '\n', '\r\n', '\r', '\u0000', '\ufeff',
]

/** Numbers that look random: mulberry32. */
class Random {
  #state: number

  constructor (seed: number) {
    this.#state = seed
  }

  /** A whole number from 0 to `end`, exclusive. */
  below (end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let x = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return Math.floor(((x ^ (x >>> 14)) >>> 0) / 2 ** 32 * end)
  }

  of<T> (items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }

  bytes (count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => this.below(256)))
  }
}

type Mutation = (bytes: Buffer, random: Random, other: Buffer) => Buffer

const MUTATIONS: Mutation[] = [
  (bytes) => bytes,
  function flipBits (bytes, random) {
    const flipped = Buffer.from(bytes)
    for (let i = random.below(8); i >= 0; i--) {
      const at = random.below(flipped.length)
      flipped[at] = (flipped[at] ?? 0) ^ (1 << random.below(8))
    }
    return flipped
  },
  function truncate (bytes, random) {
    return bytes.subarray(0, random.below(bytes.length))
  },
  function splice (bytes, random, other) {
    return Buffer.concat([bytes.subarray(0, random.below(bytes.length)), other.subarray(random.below(other.length))])
  },
  function duplicate (bytes, random) {
    return Buffer.concat(Array.from({ length: 1 + random.below(20) }, () => bytes))
  },
  function insertBytes (bytes, random) {
    const at = random.below(bytes.length)
    return Buffer.concat([bytes.subarray(0, at), random.bytes(random.below(40)), bytes.subarray(at)])
  },
  function replaceValue (bytes, random) {
    const values = [...bytes.toString().matchAll(/(?<=[:,[])(?:"[^"]*"|-?\d+|true|false)/g)]
    const value = random.of(values)
    const text = bytes.toString()
    return Buffer.from(text.slice(0, value.index) + random.of(TOKENS) + text.slice(value.index + value[0].length))
  },
  function swellValue (bytes, random) {
    return Buffer.from(bytes.toString().replace(/"(?=,|\})/, `${'x'.repeat(random.below(70_000))}"`))
  },
  function garbage (_bytes, random) {
    return random.bytes(1 + random.below(3_000))
  },
]

/** What one connection sends, for ever. */
function * frames (messages: readonly object[], random: Random): Generator<Buffer> {
  const lines = messages.map((message) => Buffer.from(`${JSON.stringify(message)}\n`))
  for (;;) {
    const count = 1 + random.below(4)
    yield Buffer.concat(Array.from({ length: count }, () => random.of(MUTATIONS)(random.of(lines), random, random.of(lines))))
  }
}

void t.test(`random frames, PIECEMEAL_FUZZ_SEED=${SEED}`, { timeout: (SECONDS + 60) * 1_000 }, async (t) => {
  const dir = await tempDir(t)
  const tracker = await startTracker(t)
  const victim = await startNode(t, { name: 'victim', tracker, dir })
  const { input, output } = await victim.listening()
  await writePseudoRandom(join(victim.folder, 'a.bin'), 3 * MiB)
  await victim.upload('a.bin')
  const fetcher = await startNode(t, { name: 'fetcher', tracker, dir })

  const ports: Record<Port, number> = { tracker: tracker.port, input, output }
  const digest = await digestOf(input, 'a.bin')
  const processes = [tracker, victim]
  const untilMs = performance.now() + SECONDS * 1_000
  const attack = async (port: Port, seed: number): Promise<number> => {
    let sent = 0
    for (const frame of frames(seedMessages(digest, `fuzzer-${seed}`)[port], new Random(seed))) {
      if (performance.now() > untilMs) break
      const problem = problemOf(port, await talk(ports[port], frame)) ?? processes.find(({ isRunning }) => !isRunning)?.stderr
      if (problem !== undefined) throw new Error(`${port}, after ${sent} frames of seed ${seed}: ${problem}\n${frame.toString('base64')}`)
      sent++
    }
    return sent
  }
  const counts = await Promise.all((['tracker', 'input', 'output'] as const).flatMap((port, i) =>
    Array.from({ length: STREAMS }, async (_, j) => await attack(port, SEED + i * STREAMS + j))))
  t.comment(`${counts.reduce((sum, count) => sum + count, 0)} frames`)
  t.ok(counts.every((count) => count > 0), 'every stream got through')

  for (const process of processes) t.ok(process.isRunning, 'it lives')
  t.equal(complaints(tracker), '', 'the tracker has nothing to complain of')
  t.equal(complaints(victim), '', 'nor has the node')
  await fetcher.download('a.bin')
  t.equal(await firstDifference(join(fetcher.folder, 'a.bin'), join(victim.folder, 'a.bin')), undefined, 'an honest download is right')
  t.equal(await fetcher.leave(), 0)
  t.equal(await victim.leave(), 0)
})

/** Sends, closes its side, and gives what came until the other side did the same; undefined if that took too long. */
async function talk (port: number, bytes: Uint8Array): Promise<Buffer | undefined> {
  return await new Promise((resolve) => {
    const chunks: Buffer[] = []
    const socket = connect({ host: '127.0.0.1', port })
    const timer = setTimeout(() => {
      socket.destroy()
      resolve(undefined)
    }, CLOSED_WITHIN_MS)
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    // A reset is one of the ways to be refused.
    socket.on('error', () => {})
    socket.once('close', () => {
      clearTimeout(timer)
      resolve(Buffer.concat(chunks))
    })
    socket.end(bytes)
  })
}

/** What is wrong with the other side, if anything is. */
function problemOf (port: Port, heard: Buffer | undefined): string | undefined {
  if (heard === undefined) return 'the connection was not closed'
  const text = heard.toString()
  // After the header of a range come its bytes, which are no lines.
  const lines = port === 'output' ? text.split('\n', 1) : text.split('\n')
  const replies = lines.filter((line) => line !== '').map((line) => {
    try {
      return JSON.parse(line) as { error?: { code?: unknown } }
    } catch {
      return { error: { code: `no JSON: ${line.slice(0, 200)}` } }
    }
  })
  const codes = replies.map(({ error }) => error?.code)
  const odd = codes.find((code) => code !== undefined && (typeof code !== 'string' || !/^E_[A-Z_]+$/.test(code) || code === 'E_INTERNAL'))
  if (odd !== undefined) return `it answered with ${String(odd)}`
  const afterProtocolError = codes.slice(codes.indexOf('E_PROTOCOL') + 1)
  return codes.includes('E_PROTOCOL') && afterProtocolError.length > 0 ? 'it went on after a line that is no message' : undefined
}

async function digestOf (inputPort: number, filename: string): Promise<string> {
  const answer = await talk(inputPort, Buffer.from(`${JSON.stringify({ type: 'SizeInformation', filename, size: -1 })}\n`))
  return (JSON.parse(answer?.toString() ?? '') as { digest: string }).digest
}
