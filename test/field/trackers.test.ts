/**
 * A thousand nodes, each from an address of its own, at three trackers that share a Redis and whose clocks are an hour apart, with the times
 * that users have: one tracker is parted from Redis, all data is lost, a tracker is killed.
 */
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { eachInFlight } from '../../lib/net/in-flight.js'
import { Node as WholeNode } from '../../lib/index.js'
import { LineClient } from '../../lib/net/line-client.js'
import { MiB } from '../../lib/protocol/units.js'
import { Command, ROOT } from '../helpers/command.js'
import { tempDir, writePseudoRandom } from '../helpers/files.js'
import { startTracker } from '../helpers/piecemeal.js'
import { freePort } from '../helpers/ports.js'
import { startProxy } from '../registry/redis-proxy.js'
import { startRedis, until, withoutRedis } from '../registry/redis-server.js'
import { digestOf } from '../tracker/registry-conformance.js'

const HOST = '127.0.0.1'
const NODES = 1_000
const FILES = 1_000
const FILES_A_NODE = 10
/** By then a failure of any one of them is made up for. */
const COMPLETE_MS = 15_000
/** Between tries of a tracker whose Redis was away for long. */
const RETRY_MOST_MS = 10_000
const IN_FLIGHT = 64
const LARGE = 'large.bin'
/** What takes some seconds, so that there is a middle. */
const [LARGE_BYTES, DOWN] = [24 * MiB, 3 * MiB]
/** That each tracker's clock is fast, or slow. */
const HOURS = [1, 0, -1]

interface Reply {
  owners?: Array<{ name: string, host: string }>
  degraded?: boolean
  error?: { code: string }
}

/** What a tracker sees of one. */
class Node {
  readonly name: string
  readonly #host: string
  readonly #session: string
  readonly #files: readonly string[]
  #client: LineClient | undefined

  constructor (name: string, { host = HOST, session = sessionOf(NODES), files = [] }: { host?: string, session?: string, files?: readonly string[] } = {}) {
    this.name = name
    this.#host = host
    this.#session = session
    this.#files = files
  }

  async join (port: number): Promise<void> {
    this.#client = await LineClient.connect({ host: HOST, port, localAddresses: [this.#host] })
    const replies = await Promise.all([this.say('alive'), ...this.#files.map(async (filename) => await this.have(filename))])
    const refused = replies.find(({ error }) => error !== undefined)
    if (refused !== undefined) throw new Error(`${this.name}: ${JSON.stringify(refused)}`)
  }

  async have (filename: string): Promise<Reply> {
    return await this.say('have', { filename, size: 5, digest: digestOf('a'), pieceLength: 1_048_576, inputPort: 8_082, outputPort: 9_092 })
  }

  async say (mode: string, fields: object = {}): Promise<Reply> {
    return await this.client.request({ type: 'NodeToTracker', mode, name: this.name, session: this.#session, ...fields })
  }

  async closed (): Promise<void> {
    if (this.client.closedBecause === undefined) await once(this.client, 'close', { signal: AbortSignal.timeout(COMPLETE_MS) })
  }

  close (): void {
    this.#client?.close()
  }

  get client (): LineClient {
    if (this.#client === undefined) throw new Error(`${this.name} is at no tracker`)
    return this.#client
  }
}

t.setTimeout(120_000)

await t.test('a thousand nodes at three trackers', { skip: withoutRedis(), timeout: 120_000 }, async (t) => {
  const redis = await startRedis(t)
  const proxy = await startProxy(t, redis)
  const trackers = await Promise.all([redis.url, redis.url, proxy.url].map(async (url, i) => await startTracker(t, { flags: ['--registry', url], preload: clockOff(HOURS[i] ?? 0) })))
  const ports = trackers.map(({ port }) => port)
  const askers = ports.map((_, i) => new Node(`Asker${i}`))
  const nodes = Array.from({ length: NODES }, (_, i) => new Node(`N${i}`, {
    host: `127.0.${1 + Math.floor(i / 250)}.${1 + i % 250}`,
    session: sessionOf(i),
    files: Array.from({ length: FILES_A_NODE }, (_, k) => fileName(i * FILES_A_NODE + k)),
  }))
  /** Those at a tracker of three. */
  const at = (tracker: number): Node[] => nodes.filter((_, i) => i % ports.length === tracker)
  t.teardown(() => { for (const node of [...askers, ...nodes]) node.close() })
  await Promise.all(askers.map(async (asker, i) => await asker.join(portOf(i))))
  await eachInFlight(nodes.keys(), IN_FLIGHT, async (i) => await nodeOf(i).join(portOf(i)))

  function portOf (i: number): number {
    return ports[i % ports.length] as number
  }

  function nodeOf (i: number): Node {
    return nodes[i] as Node
  }

  /** For connections that say nothing. */
  t.beforeEach(async () => { await eachInFlight([...askers, ...nodes].filter(({ client }) => client.closedBecause === undefined), IN_FLIGHT, async (node) => await node.say('alive')) })

  /** Until these trackers list these nodes, and nobody else, with every file. @returns how long that took */
  async function list (which: readonly number[], listed: ReadonlySet<Node>, mostMs = COMPLETE_MS): Promise<number> {
    const begunMs = performance.now()
    let last = ''
    const expected = Array.from({ length: FILES }, (_, file) => nodes.filter((node, i) => i % (FILES / FILES_A_NODE) === Math.floor(file / FILES_A_NODE) && listed.has(node)).map(({ name }) => name).sort().join())
    await until(async () => {
      // This process is Redis' proxy as well, and has to come to that.
      await sleep(250)
      let wrong = 0
      last = ''
      await eachInFlight(which.flatMap((tracker) => expected.map((names, file) => [tracker, names, file] as const)), IN_FLIGHT, async ([tracker, names, file]) => {
        // One is enough to know that it has not come to that yet.
        if (wrong > 0) return
        const said = await namesAt(tracker, fileName(file))
        if (said === names) return
        wrong++
        last = `tracker ${tracker} says of ${fileName(file)} ${said}, not ${names}`
      })
      return wrong === 0
    }, mostMs).catch((cause: Error) => { throw new Error(`${cause.message}: ${last}`) })
    return performance.now() - begunMs
  }

  async function ask (tracker: number, filename: string): Promise<Reply> {
    return await (askers[tracker] as Node).say('need', { filename })
  }

  async function namesAt (tracker: number, filename: string): Promise<string> {
    const { owners = [], error } = await ask(tracker, filename)
    return error?.code ?? owners.map(({ name }) => name).sort().join()
  }

  const all = new Set(nodes)
  const taken = nodeOf(2)

  await t.test('each of them lists all', async (t) => {
    await list([0, 1, 2], all)
    t.match((await ask(0, fileName(0))).owners?.find(({ name }) => name === 'N100'), { host: '127.0.1.101' })
  })

  await t.test('one is parted from Redis: it goes on for its nodes, the others without them, until it is back', async (t) => {
    proxy.part()
    await trackers[2]?.waitFor('warning: degraded')
    t.match(await nodeOf(5).have('meanwhile'), { ok: true })
    t.match(await ask(2, 'meanwhile'), { degraded: true, owners: [{ name: 'N5' }] })
    t.match(await ask(2, 'nobody has it'), { error: { code: 'E_REGISTRY' } })
    await list([0, 1], new Set([...at(0), ...at(1)]))
    t.notOk((await ask(0, fileName(0))).degraded)
    const usurper = new Node(taken.name)
    await usurper.join(portOf(0))
    t.teardown(() => usurper.close())
    proxy.heal()
    all.delete(taken)
    const ms = await list([0, 1, 2], all, RETRY_MOST_MS + COMPLETE_MS)
    t.comment(`all of it again after ${Math.round(ms)} ms`)
    await taken.closed()
    t.equal(await namesAt(0, 'meanwhile'), 'N5')
  })

  await t.test('all data is lost', async (t) => {
    await redis.call('FLUSHALL')
    t.comment(`all of it again after ${Math.round(await list([0, 1, 2], all))} ms`)
  })

  /** Nodes that fetch a file while this tracker is killed: some of them are at it. */
  async function startDownloads (tracker: number): Promise<Array<Promise<unknown>>> {
    const dir = await tempDir(t)
    const start = async (name: string, down?: number): Promise<WholeNode> => {
      const node = new WholeNode({ name, dir, tracker: ports.map((port) => ({ host: HOST, port })), down })
      t.teardown(async () => await node.close())
      await node.start()
      return node
    }
    const isAt = async (name: string): Promise<boolean> => {
      await until(async () => trackers.some(({ stdout }) => stdout.includes(`${name} joined\n`)))
      return trackers[tracker]?.stdout.includes(`${name} joined\n`) === true
    }
    await mkdir(join(dir, 'Owner'))
    await writePseudoRandom(join(dir, 'Owner', LARGE), LARGE_BYTES, 'seed')
    await (await start('Owner')).upload(LARGE)
    const fetchers: WholeNode[] = []
    // Which tracker a node turns to first is a lot.
    for (let there = 0; there < 2;) {
      const name = `Fetcher${fetchers.length}`
      fetchers.push(await start(name, DOWN))
      if (await isAt(name)) there++
    }
    const begun = fetchers.map(async (node) => await once(node, 'progress', { signal: AbortSignal.timeout(COMPLETE_MS) }))
    const downloads = fetchers.map(async (node) => await node.download(LARGE))
    await Promise.all(begun)
    return downloads
  }

  await t.test('a tracker is killed: no download fails, its nodes have their names at the others at once, and nobody is listed who did not come', async (t) => {
    const [lost, others] = [at(0).filter((_, i) => i % 10 === 0), at(0).filter((_, i) => i % 10 !== 0)]
    const downloads = await startDownloads(0)
    const begunMs = performance.now()
    trackers[0]?.kill('SIGKILL')
    await Promise.all(others.map(async (node, i) => {
      await node.closed()
      await node.join(portOf(1 + i % 2))
    }))
    t.comment(`${others.length * FILES_A_NODE} announced again after ${Math.round(performance.now() - begunMs)} ms`)
    for (const node of lost) all.delete(node)
    await list([1, 2], all, COMPLETE_MS - (performance.now() - begunMs))
    t.comment(`none of the dead are listed after ${Math.round(performance.now() - begunMs)} ms`)
    for (const saved of await Promise.all(downloads)) t.match(saved, { file: LARGE, bytes: LARGE_BYTES })
    t.comment(`${downloads.length} downloads went on`)
    await eachInFlight(lost, IN_FLIGHT, async ({ name }) => {
      const newcomer = new Node(name)
      await newcomer.join(portOf(1))
      newcomer.close()
    })
  })
})

/** For a process whose clock is wrong by so much. */
function clockOff (hours: number): string {
  return `data:text/javascript,${encodeURIComponent(`const now = Date.now; Date.now = () => now() + ${hours * 3_600_000}`)}`
}

function sessionOf (i: number): string {
  return i.toString(16).padStart(32, '0')
}

function fileName (i: number): string {
  return `file ${i % FILES}`
}

await t.test('where no Sentinel is, a command says so and ends by itself', async (t) => {
  const status = new Command(t, `${ROOT}/bin/tracker`, ['status', '--registry', `redis+sentinel://${HOST}:${await freePort()}/main`])
  t.strictSame(await status.exit(), { status: 36, signal: null })
  t.match(status.stderr, /E_REGISTRY/)
})
