import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { blake3 } from '@napi-rs/blake-hash'
import fc from 'fast-check'
import t from 'tap'
import { ManifestReader } from '../../lib/manifest/manifest-reader.js'
import { contentOfManifest, writeManifest } from '../../lib/manifest/write-manifest.js'
import { pieceLengthFor } from '../../lib/protocol/content.js'
import { MiB } from '../../lib/protocol/units.js'
import { anyEntries, build, bytesOf, digestsFor, file, folder, link, readManifest } from './manifests.js'

await t.test('the lines are what others write too', async (t) => {
  const manifest = build([folder('a/b'), link('a/c', '../x y'), file('a-b', 0), file('x y', 3, { isExecutable: true })])
  const digest = digestsFor(3, 'x y').toString('base64')
  t.equal(bytesOf(manifest).toString(), [
    '["piecemeal/folder",1,2,3]', '["d","a/b"]', '["l","a/c","../x y"]', '["f","a-b",0,0,""]', `["f","x y",3,1,"${digest}"]`, ''
  ].join('\n'))
  t.equal(bytesOf(build([file('a', 0, { mtimeMs: -1 })])).toString(), '["piecemeal/folder",1,1,0]\n["f","a",0,0,"",-1]\n')
  t.equal(bytesOf(build([])).toString(), '["piecemeal/folder",1,0,0]\n', 'and an empty folder is one')
})

await t.test('a digest that must never change: others hold it', async (t) => {
  const { digest, size, pieceLength } = contentOfManifest(build([]))
  t.equal(digest, 'blake3:6ec02bcecb15f137b02681ece94269fd1deb73585c13a3212bea6d0947f38680')
  const byHand = blake3(Buffer.concat([Buffer.from('piecemeal-folder/1 27\n'), blake3('["piecemeal/folder",1,0,0]\n')]))
  t.equal(digest, `blake3:${byHand.toString('hex')}`)
  t.strictSame({ size, pieceLength }, { size: 27, pieceLength: MiB })
})

await t.test('property: what was written is read again, however it is cut', async (t) => {
  fc.assert(fc.property(anyEntries, fc.integer({ min: 1, max: 200 }), (entries, chunkBytes) => {
    const bytes = bytesOf(build(entries))
    const manifest = readManifest(bytes, chunkBytes)
    const size = entries.reduce((sum, entry) => sum + (entry.kind === 'file' ? entry.size : 0), 0)
    return JSON.stringify([...manifest.entries()]) === JSON.stringify(entries) &&
      bytesOf(manifest).equals(bytes) && manifest.head.size === size && manifest.head.files === entries.filter(({ kind }) => kind === 'file').length &&
      entries.every(({ path }, index) => manifest.find(path) === index && manifest.find(`${path}/`) === undefined) &&
      manifest.pieces.equals(Buffer.concat(entries.map((entry) => entry.kind === 'file' ? entry.digests : Buffer.alloc(0))))
  }), { numRuns: 300 })
  t.pass('300 folders')
})

await t.test('property: each line is what JSON.stringify makes of its fields', async (t) => {
  fc.assert(fc.property(anyEntries, (entries) => bytesOf(build(entries)).toString().trimEnd().split('\n').every((line) => JSON.stringify(JSON.parse(line)) === line)), { numRuns: 100 })
  t.pass('100 folders')
})

await t.test('a million files stay under 200 MiB', async (t) => {
  const script = fileURLToPath(new URL('memory-of-many.js', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script, '100000'])
  const { entries, bytes } = JSON.parse(stdout) as { entries: number, bytes: number }
  t.equal(entries, 100_000)
  t.ok(bytes < 20 * MiB, `${(bytes / MiB).toFixed(1)} MiB for a tenth`)
})

await t.test('property: a manifest of which a byte was changed is refused, or is another one', async (t) => {
  let refused = 0
  fc.assert(fc.property(anyEntries, fc.nat(), fc.integer({ min: 1, max: 255 }), (entries, at, change) => {
    const bytes = bytesOf(build(entries))
    bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ change
    try {
      const manifest = readManifest(bytes)
      return bytesOf(manifest).equals(bytes)
    } catch (error) {
      refused++
      return ['E_PROTOCOL', 'E_NAME', 'E_FORBIDDEN', 'E_LIMIT'].includes((error as { code: string }).code)
    }
  }), { numRuns: 1_000 })
  t.ok(refused > 300, `${refused} of 1000 were refused`)
})

await t.test('a chunk may be used again once it was taken', async (t) => {
  const bytes = bytesOf(build([file('a'), file('b')]))
  const reader = new ManifestReader()
  const chunk = Buffer.alloc(7)
  for (let at = 0; at < bytes.length; at += chunk.length) reader.take(chunk.subarray(0, bytes.copy(chunk, 0, at)))
  t.ok(bytesOf(reader.end()).equals(bytes))
})

await t.test('a manifest of several pieces', async (t) => {
  const size = 8_192 * MiB
  const manifest = build(Array.from({ length: 5 }, (_, i) => file(`${i}`, size)))
  const pieces = [...writeManifest(manifest)]
  t.strictSame(pieces.map(({ length }) => length), [MiB, pieces[1]?.length])
  const content = contentOfManifest(manifest)
  t.equal(content.size, MiB + (pieces[1]?.length ?? 0))
  t.equal(content.pieceLength, pieceLengthFor(content.size))
  t.equal(content.pieces.length, 64)
})
