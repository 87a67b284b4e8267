/** Swarms of real commands, where somebody is killed, lies, or leaves before the others are done. */
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { contentOf } from '../../lib/content/digest.js'
import { PieceSet } from '../../lib/content/piece-set.js'
import { dial } from '../../lib/net/dial.js'
import { credentialsFor, type Secret } from '../../lib/secret/keys.js'
import type { Scope } from '../helpers/command.js'
import { FakeOwner, TrackerLine } from '../helpers/fake-owner.js'
import { complaints, nodeFolder, startNode, type NodeCommand, type NodeFlags } from '../helpers/piecemeal.js'
import { trackerHere } from '../helpers/tracker.js'
import { firstDifference, hiddenLeftovers, pseudoRandomBytes, tempDir } from '../helpers/files.js'
import { chooseSeed, seededRandom } from '../helpers/seed.js'
import { bothWays, type Way } from '../helpers/ways.js'
import { HOST, Peer } from '../net/peer.js'
import type { Address } from '../../lib/protocol/address.js'
import { MiB } from '../../lib/protocol/units.js'

const PIECES = 16
const SIZE = PIECES * MiB
const DATA = pseudoRandomBytes(SIZE, 'swarm')
const { pieces: PIECE_LIST, ...CONTENT } = contentOf(DATA)
/** What goes on in the middle of a download has to come to pass within this. */
const MIDDLE_MS = 20_000

const seed = chooseSeed()

interface Saved {
  owners: Array<{ name: string, bytes: number }>
}

interface Lab {
  tracker: Address
  secret: Secret | undefined
  /** An honest copy of the file. */
  original: string
  start: (name: string, flags?: Partial<NodeFlags>) => Promise<NodeCommand>
  /** A node that owns `a.bin`. */
  startOwner: (name: string, flags?: Partial<NodeFlags>) => Promise<NodeCommand>
}

async function lab (t: Scope, { flags: common, pathFlags, secret }: Way): Promise<Lab> {
  const dir = await tempDir(t)
  const tracker = await trackerHere(t, { secret })
  const original = join(dir, 'original')
  await writeFile(original, DATA)
  const start: Lab['start'] = async (name, flags) => await startNode(t, { name, tracker, dir, ...flags, flags: [...common, ...pathFlags, ...(flags?.flags ?? [])] })
  const startOwner: Lab['startOwner'] = async (name, flags) => {
    await writeFile(join(nodeFolder(dir, name), 'a.bin'), DATA)
    const owner = await start(name, flags)
    await owner.upload('a.bin')
    return owner
  }
  return { tracker, secret, original, start, startOwner }
}

/** Nodes that have just been told to fetch the file, all at the same time. */
async function startDownloaders ({ start }: Lab, names: readonly string[], flags: readonly string[] = []): Promise<NodeCommand[]> {
  const nodes = await Promise.all(names.map(async (name) => await start(name, { json: true, flags })))
  for (const node of nodes) node.say('torrent -m download a.bin')
  return nodes
}

/** That all end with the right file and nothing beside it. @returns whom the bytes of each came from */
async function allEndWell (t: Test, nodes: readonly NodeCommand[], original: string): Promise<Array<Saved['owners']>> {
  const saved = await Promise.all(nodes.map(async (node) => {
    const [line] = await node.waitFor(/^.*"event":"(?:saved|failed)".*$/m)
    const { event, owners } = JSON.parse(line) as Saved & { event: string }
    t.equal(event, 'saved', line)
    return owners
  }))
  // Only now: whoever leaves takes along what others may have to fetch.
  await Promise.all(nodes.map(async (node) => {
    t.equal(await firstDifference(join(node.folder, 'a.bin'), original), undefined)
    t.equal(await node.leave(), 0)
    t.strictSame(await hiddenLeftovers(node.folder), [])
  }))
  return saved
}

/** Asks a downloader which pieces it has: the way to learn it that every node has. */
class Asker {
  readonly #node: NodeCommand
  readonly #peer: Peer

  static async connect (t: Scope, node: NodeCommand, secret: Secret | undefined): Promise<Asker> {
    const { input } = await node.listening()
    const socket = await dial({ host: HOST, port: input, credentials: secret && { ...credentialsFor('control', secret), name: 'asker' } })
    t.teardown(() => socket.destroy())
    return new Asker(node, new Peer(socket))
  }

  private constructor (node: NodeCommand, peer: Peer) {
    this.#node = node
    this.#peer = peer
  }

  async have (): Promise<PieceSet> {
    const { have, error } = await this.#peer.ask({ type: 'SizeInformation', filename: 'a.bin', digest: CONTENT.digest, size: -1, pieces: false })
    const pieces = PieceSet.fromBytes(Buffer.from(String(have ?? ''), 'base64'), PIECES)
    if (have === undefined && error === undefined) pieces.addRange(0, PIECES)
    return pieces
  }

  /** Until it tells how far it is, which it does several times a second. */
  async newlyVerified (): Promise<void> {
    await this.#node.waitFor(/"event":"(?:progress|saved|failed)".*\n/, { since: this.#node.mark() })
  }
}

/** Asks all of them again and again, until they have what is wanted. @throws when that does not come to pass. */
async function untilTheyHave (askers: readonly Asker[], isEnough: (haves: readonly PieceSet[]) => boolean): Promise<PieceSet[]> {
  const deadlineMs = performance.now() + MIDDLE_MS
  for (;;) {
    const haves = await Promise.all(askers.map(async (asker) => await asker.have()))
    if (isEnough(haves)) return haves
    if (performance.now() > deadlineMs) throw new Error(`they have ${haves.map(({ size }) => size).join(', ')} pieces after ${MIDDLE_MS} ms`)
    await Promise.race(askers.map(async (asker) => await asker.newlyVerified()))
  }
}

function isSomewhere (piece: number, haves: readonly PieceSet[]): boolean {
  return haves.some((have) => have.has(piece))
}

function countSomewhere (haves: readonly PieceSet[]): number {
  return Array.from({ length: PIECES }, (_, piece) => isSomewhere(piece, haves)).filter(Boolean).length
}

const [plain, withSecret] = await bothWays(t)

for (const way of [plain, withSecret]) {
  void t.test(`${way.what}: of 6 that start together a third is killed, and a partial owner lies: PIECEMEAL_SEED=${seed}`, async (t) => {
    const random = seededRandom(seed)
    const setting = await lab(t, way)
    await setting.startOwner('owner', { flags: ['--up', '10M'] })
    // It says that it has every piece, and sends other bytes than it should.
    const liar = await FakeOwner.start(t, { name: 'liar', tracker: setting.tracker, secret: setting.secret })
    const { filename } = await liar.share('a.bin', Buffer.alloc(SIZE), { digest: CONTENT.digest, complete: false })
    liar.behaviour.sizeAnswer = () => ({ type: 'SizeInformation', filename, ...CONTENT, pieces: PIECE_LIST.toString('base64'), have: Buffer.alloc(PIECES / 8, 0xff).toString('base64') })

    const downloaders = await startDownloaders(setting, ['A', 'B', 'C', 'D', 'E', 'F'])
    const order = downloaders.map((node) => ({ node, at: random() })).sort((a, b) => a.at - b.at).map(({ node }) => node)
    const [victims, others] = [order.slice(0, 2), order.slice(2)]
    const killed = Promise.all(victims.map(async (victim) => {
      await victim.reached('a.bin', (0.1 + 0.4 * random()) * SIZE)
      victim.signal('SIGKILL')
      await victim.exit()
      t.notOk(existsSync(join(victim.folder, 'a.bin')), `${victim.name} was killed in the middle`)
    }))
    const owners = await allEndWell(t, others, setting.original)
    await killed

    t.ok(liar.requests.length > 0, 'the liar was believed at first')
    for (const [i, from] of owners.entries()) {
      const names = from.map(({ name }) => name)
      t.notOk(names.includes('liar'))
      t.ok(names.some((name) => name !== 'owner'), `${others[i]?.name} fetched from ${names.join(', ')}`)
      t.equal(from.reduce((sum, { bytes }) => sum + bytes, 0), SIZE)
    }
  })
}

void t.test('the only complete owner leaves when every piece is somewhere: all finish', async (t) => {
  const setting = await lab(t, plain)
  const owner = await setting.startOwner('owner', { flags: ['--up', '12M'] })
  // What one has takes the others longer to get than the owner took to bring it.
  const downloaders = await startDownloaders(setting, ['A', 'B', 'C'], ['--up', '3M'])
  const askers = await Promise.all(downloaders.map(async (node) => await Asker.connect(t, node, setting.secret)))
  const haves = await untilTheyHave(askers, (haves) => countSomewhere(haves) === PIECES)
  owner.signal('SIGKILL')
  await owner.exit()
  t.ok(haves.some(({ size }) => size < PIECES), `${haves.map(({ size }) => size).join(', ')} pieces: they still need each other`)
  for (const node of downloaders) node.say('torrent limit up off')
  await allEndWell(t, downloaders, setting.original)
})

void t.test('with a secret: the owner leaves when one piece is nowhere: all wait, and finish with one that comes back', async (t) => {
  const LOST_PIECE = 11
  const setting = await lab(t, withSecret)
  const owner = await FakeOwner.start(t, { name: 'first', tracker: setting.tracker, secret: setting.secret, behaviour: { withheldAt: (LOST_PIECE + 0.5) * MiB } })
  await owner.share('a.bin', DATA)
  const downloaders = await startDownloaders(setting, ['A', 'B', 'C'])
  const askers = await Promise.all(downloaders.map(async (node) => await Asker.connect(t, node, setting.secret)))
  await untilTheyHave(askers, (haves) => haves.every(({ size }) => size === PIECES - 1))
  owner.close()
  // They go on without it.
  await Promise.all(askers.map(async (asker) => await asker.newlyVerified()))
  for (const have of await Promise.all(askers.map(async (asker) => await asker.have()))) {
    t.equal(have.size, PIECES - 1)
    t.notOk(have.has(LOST_PIECE))
  }
  for (const node of downloaders) t.equal(complaints(node), '')

  await setting.startOwner('second')
  await allEndWell(t, downloaders, setting.original)
})

void t.test('partial owners that are stopped are off the list, however they are, and the others finish', async (t) => {
  const setting = await lab(t, plain)
  const owner = await setting.startOwner('owner', { flags: ['--up', '4M'] })
  const line = await TrackerLine.connect('onlooker', setting.tracker, setting.secret)
  t.teardown(() => line.close())
  const partialOwners = async (): Promise<string[]> => {
    const { owners } = await line.request('need', { filename: 'a.bin' }) as unknown as { owners: Array<{ name: string, complete: boolean }> }
    return owners.filter(({ complete }) => !complete).map(({ name }) => name).sort()
  }
  const ways: Array<[name: string, stop: (node: NodeCommand) => void, status: number | null]> = [
    ['interrupted', (node) => node.signal('SIGINT'), 20],
    ['killed', (node) => node.signal('SIGKILL'), null],
    ['impatient', (node) => node.say('torrent exit', 'torrent exit'), 20],
  ]
  const names = ways.map(([name]) => name)
  const downloaders = await startDownloaders(setting, [...names, 'survivor'])
  const [stopped, survivors] = [downloaders.slice(0, -1), downloaders.slice(-1)]
  const askers = await Promise.all(downloaders.map(async (node) => await Asker.connect(t, node, setting.secret)))
  await untilTheyHave(askers, (haves) => haves.every(({ size }) => size > 0))
  t.strictSame(await partialOwners(), [...names, 'survivor'].sort())

  await Promise.all(stopped.map(async (node, i) => {
    const [, stop, status] = ways[i] ?? []
    stop?.(node)
    t.equal((await node.exit()).status, status, node.name)
  }))
  t.strictSame(await partialOwners(), ['survivor'])
  for (const node of stopped) t.notOk(existsSync(join(node.folder, 'a.bin')))
  owner.say('torrent limit up off')
  await allEndWell(t, survivors, setting.original)
})
