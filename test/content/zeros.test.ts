import { blake3 } from '@napi-rs/blake-hash'
import t from 'tap'
import { contentDigest, contentOf } from '../../lib/content/digest.js'
import { digestOfZeros, isZeros, listOfZeros, zeroPieces } from '../../lib/content/zeros.js'
import { GiB, KiB, MiB } from '../../lib/protocol/units.js'

await t.test('bytes that are zeros, all of them or not', async (t) => {
  for (const length of [0, 1, 64 * KiB - 1, 64 * KiB, 64 * KiB + 1, 200_000]) {
    const bytes = Buffer.alloc(length + 2, 0xff).fill(0, 1, length + 1)
    t.ok(isZeros(bytes, 1, length + 1), `${length} of them`)
    for (const at of [0, 1, 64 * KiB, length - 1].filter((at) => at >= 0 && at < length)) {
      const spoilt = Buffer.from(bytes)
      spoilt[1 + at] = 1
      t.notOk(isZeros(spoilt, 1, length + 1), `${length} but for ${at}`)
    }
  }
})

await t.test('the digest of a piece of zeros', async (t) => {
  for (const pieceLength of [MiB, 8 * MiB, MiB]) t.strictSame(digestOfZeros(pieceLength), blake3(Buffer.alloc(pieceLength)), `${pieceLength}`)
})

await t.test('which pieces of a content are zeros', async (t) => {
  const data = Buffer.alloc(4 * MiB + 5)
  data[MiB] = 1
  data[4 * MiB - 1] = 1
  const { pieces, ...content } = contentOf(data)
  const found = await zeroPieces(content, pieces)
  t.strictSame([0, 1, 2, 3, 4].map((piece) => found.has(piece)), [true, false, true, false, true], 'also a last one that is shorter')
  data[data.length - 1] = 1
  t.equal((await zeroPieces(content, contentOf(data).pieces)).size, 2)
  t.equal((await zeroPieces(contentOf(Buffer.alloc(0)), Buffer.alloc(0))).size, 0, 'of a content without any')
})

await t.test('a content that is all zeros is known by its digest', async (t) => {
  for (const size of [0, 1, 10_000, MiB, MiB + 1, 3 * MiB]) {
    const { pieces, ...content } = contentOf(Buffer.alloc(size))
    t.strictSame(await listOfZeros(content), pieces, `${size} bytes`)
    t.equal(await listOfZeros({ ...content, size: size + 1 }), undefined, 'of a size that somebody made up')
  }
  t.equal(await listOfZeros(contentOf(Buffer.from('abc'))), undefined)
})

await t.test('pieces that take long to hash are looked for in no content', async (t) => {
  const content = { size: 2 ** 53 - 1, pieceLength: 2 ** 40, digest: contentDigest(2 ** 53 - 1, 2 ** 40, Buffer.alloc(0)) }
  t.equal(await listOfZeros(content), undefined)
  t.equal((await zeroPieces({ size: 3 * GiB, pieceLength: 2 * GiB }, Buffer.alloc(64))).size, 0)
})
