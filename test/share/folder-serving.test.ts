/** A real folder, asked for over sockets: its manifest, its files, and what becomes of those that change. */
import { appendFile, chmod, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import t from 'tap'
import { isPieceListOf } from '../../lib/content/digest.js'
import { PieceSet } from '../../lib/content/piece-set.js'
import { ManifestReader } from '../../lib/manifest/manifest-reader.js'
import { folderShareData } from '../../lib/share/folder-share.js'
import { parseSizeAnswer } from '../../lib/protocol/size-information.js'
import { KiB, MiB } from '../../lib/protocol/units.js'
import { folderOwner, folderShareOf, writeTree } from './folders.js'

const BIG = randomBytes(2 * MiB + 5)
/** In the order of the manifest: 6 pieces. */
const FILES = { 'a/1': 'one', 'a/2': 'two two', 'a/empty': '', big: BIG, z: 'the last' }
const ALL = Buffer.concat(Object.values(FILES).map((content) => Buffer.from(content)))
const BIG_AT = 10

await t.test('its manifest: size, pieces, and the bytes, in whatever ranges', async (t) => {
  const root = t.testdir()
  // More than one chunk of it.
  await writeTree(root, FILES)
  for (let i = 0; i < 200; i++) await symlink(`${'x'.repeat(250)}/`.repeat(12), join(root, `link${i}`))
  const share = await folderShareOf(root, 'd')
  const owner = await folderOwner(t)
  owner.offer(share)
  const answer = parseSizeAnswer(await owner.ask(share))
  t.match(answer, { filename: 'd', digest: share.digest, size: share.size, pieceLength: MiB, kind: 'folder' })
  t.ok(answer.pieces && isPieceListOf(answer, answer.pieces))
  t.notOk('have' in answer || 'final' in answer)
  t.ok(share.size > 512 * KiB)

  const whole = await owner.request(share, [0, share.size], { of: 'manifest' })
  t.strictSame(await whole.message(), { type: 'FileCommunication', filename: 'd', digest: share.digest, range: [0, share.size], of: 'manifest' })
  const bytes = await whole.rest()
  const reader = new ManifestReader()
  reader.take(bytes)
  t.strictSame(reader.end().head, share.manifest.head)
  const end = await owner.request(share, [share.size - 10, share.size], { of: 'manifest' })
  await end.message()
  t.ok((await end.rest()).equals(bytes.subarray(-10)), 'from its end, by whoever comes first')
  const ranges = [[0, 3], [256 * KiB - 1, 256 * KiB + 1], [share.size - 1, share.size]]
  const scattered = await owner.request(share, [0, share.size], { of: 'manifest', ranges })
  t.match(await scattered.message(), { ranges, of: 'manifest' })
  t.ok((await scattered.rest()).equals(Buffer.concat(ranges.map((range) => bytes.subarray(...range)))))
  t.match(await (await owner.request(share, [0, share.size + 1], { of: 'manifest' })).message(), { error: { code: 'E_PROTOCOL' } })
  t.strictSame([owner.lost, owner.suspects, owner.errors], [[], [], []])
})

await t.test('its files, one after the other', async (t) => {
  const root = t.testdir()
  await writeTree(root, FILES)
  const share = await folderShareOf(root, 'd')
  const owner = await folderOwner(t)
  owner.offer(share)
  const table: Array<[number, number]> = [[0, ALL.length], [0, 1], [2, 4], [3, 10], [BIG_AT - 1, BIG_AT + MiB], [ALL.length - 1, ALL.length], [5, 5], [ALL.length, ALL.length]]
  for (const range of table) {
    const peer = await owner.request(share, range)
    t.strictSame(await peer.message(), { type: 'FileCommunication', filename: 'd', digest: share.digest, range })
    t.ok((await peer.rest()).equals(ALL.subarray(...range)), `[${range.join()}]`)
  }
  const ranges: Array<[number, number]> = [[1, 2], [3, 10], [BIG_AT + MiB, BIG_AT + MiB + 1], [ALL.length - 8, ALL.length]]
  const peer = await owner.request(share, [1, ALL.length], { ranges, more: true })
  t.match(await peer.message(), { range: [1, ALL.length], ranges, more: true })
  t.ok((await peer.bytes(17)).equals(Buffer.concat(ranges.map((range) => ALL.subarray(...range)))))
  peer.send({ type: 'FileCommunication', filename: 'd', digest: share.digest, range: [0, 3] })
  await peer.message()
  t.equal((await peer.rest()).toString(), 'one', 'and another on the same connection')

  const refused: Array<[code: string, range: [number, number], fields?: object]> = [
    ['E_PROTOCOL', [0, ALL.length + 1]],
    ['E_PROTOCOL', [0, 5], { ranges: [[0, 6]] }],
    ['E_NOT_SHARED', [0, 5], { filename: 'big' }],
    ['E_NOT_SHARED', [0, 5], { filename: 'e' }],
    ['E_NOT_SHARED', [0, 5], { filename: 'e', of: 'manifest' }],
  ]
  for (const [code, range, fields] of refused) t.match(await (await owner.request(share, range, fields)).message(), { error: { code } }, JSON.stringify(fields))
  t.strictSame([owner.lost, owner.suspects, owner.errors], [[], [], []])
})

await t.test('a file that changed takes its pieces out, and no others', async (t) => {
  const root = t.testdir()
  await writeTree(root, FILES)
  const share = await folderShareOf(root, 'd')
  const owner = await folderOwner(t)
  owner.offer(share)
  await chmod(join(root, 'a/1'), 0o600)
  await appendFile(join(root, 'a/2'), ' three')
  await rm(join(root, 'z'))
  const first = await owner.request(share, [0, ALL.length])
  t.match(await first.message(), { range: [0, ALL.length] })
  t.equal((await first.rest()).toString(), 'one', 'what comes before it is sent')
  t.strictSame([owner.lost, owner.suspects], [['a/2'], ['a/1']])

  const have = async (): Promise<string> => {
    const answer = parseSizeAnswer(await owner.ask(share, { pieces: false }))
    t.match(answer, { kind: 'folder', final: true })
    const here = PieceSet.fromBytes(answer.have ?? Buffer.alloc(0), share.manifest.pieceCount)
    return Array.from({ length: here.pieceCount }, (_, piece) => here.has(piece) ? 'x' : '.').join('')
  }
  t.equal(await have(), 'x.xxxx')
  t.match(await (await owner.request(share, [0, ALL.length])).message(), { error: { code: 'E_NOT_SHARED' } }, 'known beforehand')
  const around = await owner.request(share, [0, ALL.length], { ranges: [[0, 3], [BIG_AT, ALL.length]] })
  await around.message()
  t.ok((await around.rest()).equals(Buffer.concat([ALL.subarray(0, 3), BIG])), 'up to the one that is gone')
  t.equal(await have(), 'x.xxx.')
  t.strictSame(owner.lost, ['a/2', 'z'])
  t.strictSame(owner.errors, [])
})

await t.test('a version that was replaced answers by its digest, with what is still the same', async (t) => {
  const root = t.testdir()
  await writeTree(root, FILES)
  const old = await folderShareOf(root, 'd')
  const owner = await folderOwner(t)
  owner.offer(old)
  await writeFile(join(root, 'a/2'), 'TWO two')
  await writeFile(join(root, 'b'), 'new')
  // The same bytes, written again.
  await writeFile(join(root, 'z'), FILES.z)
  const now = await folderShareOf(root, 'd')
  owner.offer(now)
  t.match(await owner.ask(now), { digest: now.digest, have: undefined })
  const answer = parseSizeAnswer(await owner.ask(old, { pieces: false }))
  t.match(answer, { digest: old.digest, final: true, have: Buffer.from([0b10111100]) })
  const peer = await owner.request(old, [0, ALL.length], { ranges: [[0, 3], [BIG_AT, ALL.length]] })
  await peer.message()
  t.ok((await peer.rest()).equals(Buffer.concat([ALL.subarray(0, 3), ALL.subarray(BIG_AT)])))
  t.strictSame([owner.lost, owner.suspects, owner.errors], [[], [], []])
  t.match(parseSizeAnswer(await owner.ask(now, { digest: undefined })), { digest: now.digest }, 'without a digest the newest answers')

  owner.offer(await folderShareOf(root, 'd'))
  t.equal(owner.folders.kept.length, 1, 'the same again is no other version')
  t.equal(owner.folders.remove('d').length, 2)
  t.match(await owner.ask(old), { error: { code: 'E_NOT_SHARED' } })
})

await t.test('a folder that is gone is not begun with', async (t) => {
  const root = t.testdir({ d: { a: 'a' } })
  const share = await folderShareOf(join(root, 'd'), 'd')
  const owner = await folderOwner(t)
  owner.offer(share)
  await rm(join(root, 'd'), { recursive: true })
  t.match(await owner.ask(share), { error: { code: 'E_CHANGED' } })
})

await t.test('one that is being downloaded is served out of its hidden tree, as its pieces come', async (t) => {
  const root = t.testdir()
  await writeTree(join(root, 'whole'), { ...FILES, zeros: Buffer.concat([Buffer.alloc(MiB, 1), Buffer.alloc(5)]) })
  const share = await folderShareOf(join(root, 'whole'), 'd')
  // As an unfinished download leaves it: names are there, bytes come, zeros at the end are not written.
  await writeTree(join(root, 'hidden'), { ...FILES, 'a/2': '', big: BIG.subarray(0, MiB), z: '', zeros: Buffer.alloc(MiB, 1) })
  const { identities: _known, ...rest } = share
  const arriving = { ...rest, path: join(root, 'hidden') }
  const owner = await folderOwner(t)
  const place = (firstPiece: number, endPiece: number): void => {
    const isNew = owner.folders.gain(arriving, { firstPiece, endPiece })
    if (isNew) owner.served.add(folderShareData(isNew))
    else owner.served.gain(arriving, { firstPiece, endPiece })
  }
  place(0, 1)
  place(2, 3)
  const answer = parseSizeAnswer(await owner.ask(share))
  t.match(answer, { size: share.size, kind: 'folder', have: Buffer.from([0b10100000]) })
  t.notOk(answer.final, 'more will come')
  const peer = await owner.request(share, [0, BIG_AT + MiB], { ranges: [[0, 3], [BIG_AT, BIG_AT + MiB]] })
  await peer.message()
  t.ok((await peer.rest()).equals(Buffer.concat([ALL.subarray(0, 3), BIG.subarray(0, MiB)])))
  t.match(await (await owner.request(share, [0, 4])).message(), { error: { code: 'E_NOT_SHARED' } })
  place(6, 8)
  const zeros = await owner.request(share, [ALL.length + MiB - 1, ALL.length + MiB + 5])
  await zeros.message()
  t.strictSame([...await zeros.rest()], [1, 0, 0, 0, 0, 0])
  const manifest = await owner.request(share, [0, share.size], { of: 'manifest' })
  await manifest.message()
  t.equal((await manifest.rest()).length, share.size, 'all of its manifest is there')
  owner.offer(share)
  t.notOk('have' in await owner.ask(share), 'complete')
  t.equal(owner.folders.kept.length, 0)
})
