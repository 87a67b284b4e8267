import { writeFileSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { contentOf } from '../../lib/content/digest.js'
import { PartialShare, PartialShares } from '../../lib/share/partial-share.js'
import { ShareIndex } from '../../lib/share/share-index.js'
import { MetadataServer } from '../../lib/share/metadata-server.js'
import { UploadServer } from '../../lib/share/upload-server.js'
import { pseudoRandomBytes, testDir } from '../helpers/files.js'
import { Peer } from '../net/peer.js'
import { MiB } from '../../lib/protocol/units.js'

const DATA = pseudoRandomBytes(5 * MiB + 7, 'a partial share')
const { pieces, ...CONTENT } = { filename: 'file', ...contentOf(DATA) }

/** Pieces 1, 2 and 5 of 0 to 5 are there, in two part files. */
function partial (folder: string): PartialShare {
  const share = new PartialShare(CONTENT, pieces)
  for (const [name, firstPiece, endPiece] of [['a', 1, 3], ['b', 5, 6]] as const) {
    const path = join(folder, name)
    writeFileSync(path, DATA.subarray(firstPiece * MiB, endPiece * MiB))
    share.place({ firstPiece, endPiece, path, originPiece: firstPiece })
  }
  return share
}

async function serving (t: Pick<Test, 'testdir' | 'teardown'>): Promise<{ folder: string, share: PartialShare, partials: PartialShares, uploads: UploadServer, ask: (range: [number, number]) => Promise<Peer>, control: () => Promise<Peer> }> {
  const folder = testDir(t)
  const share = partial(folder)
  const partials = new PartialShares()
  partials.add(share)
  const report = (error: Error): never => { throw error }
  const common = { shares: new ShareIndex(), partials, onChanged: () => {}, onSuspect: () => {}, onUnreadable: async () => {}, onError: report }
  const [uploads, sizes] = [new UploadServer(common), new MetadataServer(common)]
  t.teardown(async () => await Promise.all([uploads.close(), sizes.close()]))
  const [{ port }, { port: inputPort }] = [await uploads.listen({ host: '127.0.0.1', port: 0 }), await sizes.listen({ host: '127.0.0.1', port: 0 })]
  return {
    folder,
    share,
    partials,
    uploads,
    ask: async (range) => {
      const peer = await Peer.connect(t, { port })
      peer.send({ type: 'FileCommunication', filename: 'file', digest: CONTENT.digest, range })
      return peer
    },
    control: async () => await Peer.connect(t, { port: inputPort }),
  }
}

await t.test('where bytes are', async (t) => {
  const folder = testDir(t)
  const share = partial(folder)
  t.strictSame(share.locate({ start: MiB + 3, end: 2 * MiB + 5 }), { path: join(folder, 'a'), range: { start: 3, end: MiB + 5 } })
  t.strictSame(share.locate({ start: 5 * MiB, end: DATA.length }), { path: join(folder, 'b'), range: { start: 0, end: 7 } })
  t.strictSame(share.have.toBytes(), Buffer.of(0b01100100))
})

await t.test('pieces that are glued are in the target from then on', async (t) => {
  const share = partial(testDir(t))
  share.place({ firstPiece: 0, endPiece: 2, path: 'target', originPiece: 0, isMoved: true })
  t.match(share.locate({ start: 0, end: 3 * MiB }), { path: 'target', range: { start: 0, end: 2 * MiB } }, 'as far as one file goes')
  t.match(share.locate({ start: 2 * MiB, end: 3 * MiB }), { range: { start: MiB, end: 2 * MiB } })
  share.place({ firstPiece: 1, endPiece: 3, path: 'late', originPiece: 1 })
  t.match(share.locate({ start: MiB, end: 2 * MiB }), { path: 'target' }, 'a part that came twice does not take them back')
})

await t.test('a piece that is moved is waited for until it is told where it is', async (t) => {
  const share = partial(testDir(t))
  const moved = share.moved(1, share.locate({ start: MiB, end: MiB + 1 }).path, 1e6)
  share.place({ firstPiece: 3, endPiece: 4, path: 'another', originPiece: 3 })
  share.place({ firstPiece: 0, endPiece: 2, path: 'target', originPiece: 0, isMoved: true })
  await t.resolves(moved)
  await t.resolves(share.moved(1, 'elsewhere', 1e6), 'it is not there in the first place')
  await t.rejects(share.moved(1, 'target', 1), { code: 'E_NOT_SHARED' })
  const dropped = share.moved(1, 'target', 1e6)
  share.drop()
  await t.rejects(dropped, { code: 'E_NOT_SHARED' })
  t.strictSame(share.runs.map(({ firstPiece, endPiece, path }) => [firstPiece, endPiece, path.replace(/.*\//, '')]), [[0, 2, 'target'], [2, 3, 'a'], [3, 4, 'another'], [5, 6, 'b']])
})

await t.test('the input port says which pieces are there, cheaply if asked to', async (t) => {
  const { control } = await serving(t)
  const peer = await control()
  const { size, digest, pieceLength } = CONTENT
  const have = Buffer.of(0b01100100).toString('base64')
  const answer = { type: 'SizeInformation', filename: 'file', size, digest, pieceLength }
  t.strictSame(await peer.ask({ type: 'SizeInformation', filename: 'file', size: -1, digest }), { ...answer, pieces: pieces.toString('base64'), have })
  t.strictSame(await peer.ask({ type: 'SizeInformation', filename: 'file', size: -1, pieces: false }), { ...answer, have })
  t.match(await peer.ask({ type: 'SizeInformation', filename: 'file', size: -1, digest: digest.replace(/.$/, (last) => last === '0' ? '1' : '0') }), { error: { code: 'E_NOT_SHARED' } })
})

await t.test('the output port sends what is there, and nothing else', async (t) => {
  const { share, ask } = await serving(t)
  for (const range of [[MiB, 3 * MiB], [MiB + 1, MiB + 2], [2 * MiB - 1, 2 * MiB + 1], [5 * MiB, DATA.length], [2 * MiB, 2 * MiB]] satisfies Array<[number, number]>) {
    const peer = await ask(range)
    t.match(await peer.message(), { type: 'FileCommunication', range })
    t.ok((await peer.rest()).equals(DATA.subarray(...range)), `[${range.join()}]`)
  }
  for (const range of [[0, 1], [0, MiB + 1], [MiB, 3 * MiB + 1], [3 * MiB, 5 * MiB], [0, DATA.length]] satisfies Array<[number, number]>) {
    t.match(await (await ask(range)).message(), { error: { code: 'E_NOT_SHARED' } }, `[${range.join()}]`)
  }
  t.match(await (await ask([0, DATA.length + 1])).message(), { error: { code: 'E_PROTOCOL' } })
  share.place({ firstPiece: 0, endPiece: 1, path: '/nowhere', originPiece: 0, isMoved: true })
  const waiting = await ask([0, MiB])
  share.drop()
  t.match(await waiting.message(), { error: { code: 'E_NOT_SHARED' } }, 'a part file that is gone for good')
})

await t.test('a range over several files, one of which is moving', async (t) => {
  const { folder, share, ask } = await serving(t)
  writeFileSync(join(folder, 'c'), DATA.subarray(3 * MiB, 5 * MiB))
  share.place({ firstPiece: 3, endPiece: 5, path: join(folder, 'c'), originPiece: 3 })
  await rename(join(folder, 'a'), join(folder, 'elsewhere'))
  const peer = await ask([MiB, DATA.length])
  writeFileSync(join(folder, 'target'), DATA.subarray(0, 3 * MiB))
  share.place({ firstPiece: 0, endPiece: 3, path: join(folder, 'target'), originPiece: 0, isMoved: true })
  await rm(join(folder, 'elsewhere'))
  t.match(await peer.message(), { range: [MiB, DATA.length] })
  t.ok((await peer.rest()).equals(DATA.subarray(MiB)))
})

await t.test('a download is complete, its node leaves: what is being sent of its part files is sent to the end', async (t) => {
  const { folder, share, partials, uploads, ask } = await serving(t)
  writeFileSync(join(folder, 'c'), DATA.subarray(3 * MiB, 5 * MiB))
  share.place({ firstPiece: 3, endPiece: 5, path: join(folder, 'c'), originPiece: 3 })
  const peer = await ask([MiB, DATA.length])
  await peer.line()
  peer.socket.pause()
  writeFileSync(join(folder, 'target'), DATA)
  share.place({ firstPiece: 0, endPiece: 6, path: join(folder, 'target'), originPiece: 0, isMoved: true })
  for (const name of ['a', 'b', 'c']) await rm(join(folder, name))
  t.ok(partials.remove('file'), 'the whole file is offered from now on')
  const drained = uploads.drain()
  peer.socket.resume()
  t.ok((await peer.rest()).equals(DATA.subarray(MiB)))
  await drained
})
