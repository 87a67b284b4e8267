/** Pieces of zeros are neither asked for, nor sent, nor written: what a node asks an owner for, and what is on the disk then. */
import { readFileSync, statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { PieceSet } from '../../lib/content/piece-set.js'
import { Node, Tracker, type Address } from '../../lib/index.js'
import { KiB, MiB } from '../../lib/protocol/units.js'
import { FakeOwner, type Behaviour } from '../helpers/fake-owner.js'
import { pseudoRandomBytes, testDir } from '../helpers/files.js'
import { Peer } from '../net/peer.js'

interface Stage {
  tracker: Tracker & { host: string, port: number }
  dir: string
  node: Node
  input: Address
  output: Address
}

async function setUp (t: Test): Promise<Stage> {
  const dir = testDir(t)
  const tracker = new Tracker({ port: 0 })
  t.teardown(async () => await tracker.close())
  const address = await tracker.start()
  const node = new Node({ name: 'NodeB', dir, tracker: address })
  t.teardown(async () => await node.close())
  node.on('error', (error) => t.fail(error.message))
  const { input, output } = await node.start()
  return { tracker: Object.assign(tracker, { host: address.host }), dir, node, input, output }
}

/** Of 12 pieces: five begin with random bytes, and two of them are that to their end. */
function sparse (): Buffer {
  const data = Buffer.alloc(12 * MiB - 1_000)
  for (const piece of [1, 2, 5, 8, 9]) pseudoRandomBytes(100 * KiB, `sparse ${piece}`).copy(data, piece * MiB)
  for (const piece of [2, 9]) pseudoRandomBytes(MiB, `full ${piece}`).copy(data, piece * MiB)
  return data
}

function diskBytes (path: string): number {
  return statSync(path).blocks * 512
}

await t.test('pieces of zeros are not fetched', { timeout: 60_000 }, async (t) => {
  const { tracker, dir, node } = await setUp(t)
  const owner = await FakeOwner.start(t, { name: 'NodeA', tracker })
  const data = sparse()
  await owner.share('image', data)
  const saved = await node.download('image')
  t.match(saved, { bytes: data.length, zeros: 7 * MiB - 1_000, resumed: 0, owners: [{ name: 'NodeA', bytes: 5 * MiB }] })
  const path = join(dir, 'NodeB', 'image')
  t.ok(readFileSync(path).equals(data))
  const asked = new Set(owner.requests.flatMap(({ start, end }) => Array.from({ length: Math.ceil((end - start) / MiB) }, (_, i) => start / MiB + i)))
  t.strictSame([...asked].sort(), [1, 2, 5, 8, 9])
  t.ok(diskBytes(path) <= 2 * MiB + 3 * 128 * KiB + 64 * KiB, `${diskBytes(path)} bytes on the disk`)
})

await t.test('what has only begun to come is served, zeros as well, to one who asks for them', { timeout: 60_000 }, async (t) => {
  const { tracker, dir, node, input, output } = await setUp(t)
  const data = sparse()
  // The last of its pieces that are to be fetched.
  const owner = await FakeOwner.start(t, { name: 'NodeA', tracker, behaviour: { withheldAt: 9 * MiB } })
  const { digest } = await owner.share('image', data)
  const enough = new Promise<void>((resolve) => node.on('progress', ({ bytes }) => { if (bytes >= data.length - MiB) resolve() }))
  const downloaded = node.download('image')
  await enough
  const asker = await Peer.connect(t, input)
  const { have } = await asker.ask({ type: 'SizeInformation', filename: 'image', digest, size: -1, pieces: false })
  t.strictSame([...PieceSet.fromBytes(Buffer.from(String(have), 'base64'), 12).ranges()], [{ firstPiece: 0, endPiece: 9 }, { firstPiece: 10, endPiece: 12 }])
  // It knows nothing of zeros that need not be sent, and takes all that there is.
  const request = { type: 'FileCommunication', filename: 'image', digest, range: [0, 9 * MiB] }
  const peer = await Peer.connect(t, output)
  t.strictSame(await peer.ask(request), request)
  t.ok((await peer.rest()).equals(data.subarray(0, 9 * MiB)))
  owner.resume()
  await downloaded
  t.ok(readFileSync(join(dir, 'NodeB', 'image')).equals(data))
})

await t.test('a file of zeros needs nobody', { timeout: 60_000 }, async (t) => {
  const { tracker, dir, node } = await setUp(t)
  const silent: Behaviour = { sizeStall: true, refusal: { code: 'E_NOT_SHARED', message: 'no' } }
  const owner = await FakeOwner.start(t, { name: 'NodeA', tracker, behaviour: silent })
  for (const size of [0, 1, 10_000, MiB, 5 * MiB + 7]) {
    const filename = `zeros-${size}`
    await owner.share(filename, Buffer.alloc(size))
    t.match(await node.download(filename), { bytes: size, zeros: size, owners: [] }, `${size} bytes`)
    const path = join(dir, 'NodeB', filename)
    t.ok(readFileSync(path).equals(Buffer.alloc(size)))
    t.equal(diskBytes(path), 0)
  }
  t.strictSame(owner.requests, [])
  t.strictSame((await readdir(join(dir, 'NodeB', '.piecemeal'))).filter((name) => /^[0-9a-f]{64}/.test(name)), [], 'nothing of the downloads is left')
})

await t.test('zeros of another size than the tracker was told', { timeout: 60_000 }, async (t) => {
  const { tracker, dir, node } = await setUp(t)
  const owner = await FakeOwner.start(t, { name: 'NodeA', tracker })
  for (const size of [10_000, 5 * MiB + 7]) {
    const filename = `zeros-${size}`
    await owner.share(filename, Buffer.alloc(size), { size: size + 1 })
    t.match(await node.download(filename), { bytes: size })
    t.ok(readFileSync(join(dir, 'NodeB', filename)).equals(Buffer.alloc(size)))
  }
})

/** Shares the data, and sends other bytes where its pieces have blocks of zeros. */
async function startLiar (t: Test, tracker: Stage['tracker'], data: Buffer): Promise<FakeOwner> {
  const liar = await FakeOwner.start(t, { name: 'Liar', tracker })
  const file = await liar.share('image', Buffer.from(data))
  for (const piece of [1, 5, 8]) file.data.fill('a lie', (piece + 0.5) * MiB, (piece + 1) * MiB)
  return liar
}

await t.test('zeros are written where a liar has left its bytes', { timeout: 60_000 }, async (t) => {
  const { tracker, dir, node } = await setUp(t)
  const data = sparse()
  const liar = await startLiar(t, tracker, data)
  const owner = await FakeOwner.start(t, { name: 'NodeA', tracker })
  await owner.share('image', data)
  await node.download('image')
  t.ok(liar.requests.length > 0)
  t.ok(readFileSync(join(dir, 'NodeB', 'image')).equals(data))
})

await t.test('and where an earlier run has left them', { timeout: 60_000 }, async (t) => {
  const { tracker, dir, node } = await setUp(t)
  const data = sparse()
  const liar = await startLiar(t, tracker, data)
  await t.rejects(node.download('image'), { code: 'E_DIGEST' })
  liar.close()
  const owner = await FakeOwner.start(t, { name: 'NodeA', tracker })
  await owner.share('image', data)
  t.match(await node.download('image'), { zeros: 7 * MiB - 1_000 })
  t.ok(readFileSync(join(dir, 'NodeB', 'image')).equals(data))
})
