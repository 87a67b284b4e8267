import fc from 'fast-check'
import t from 'tap'
import {
  bytesOfPieces, digestPrefix, isDigest, isDigestQuestion, isPieceLength, pieceCount, pieceLengthFor,
} from '../../lib/protocol/content.js'
import { GiB, MiB } from '../../lib/protocol/units.js'

const HEX = '0123456789abcdef'.repeat(4)

await t.test('piece lengths and counts', async (t) => {
  const table: Array<[size: number, pieceLength: number, count: number]> = [
    [0, MiB, 0],
    [1, MiB, 1],
    [MiB, MiB, 1],
    [MiB + 1, MiB, 2],
    [8 * GiB, MiB, 8_192],
    [8 * GiB + 1, 2 * MiB, 4_097],
    [16 * GiB, 2 * MiB, 8_192],
    [16 * GiB + 1, 4 * MiB, 4_097],
    [Number.MAX_SAFE_INTEGER, 2 ** 40, 8_192],
  ]
  for (const [size, pieceLength, count] of table) {
    t.equal(pieceLengthFor(size), pieceLength, `${size}`)
    t.equal(pieceCount({ size, pieceLength }), count, `${size}`)
    t.ok(isPieceLength(pieceLength, size), `${size}`)
  }
})

await t.test('property: the smallest power of two from 1 MiB on that gives at most 8192 pieces', async (t) => {
  fc.assert(fc.property(fc.maxSafeNat(), (size) => {
    const pieceLength = pieceLengthFor(size)
    const isSmallest = pieceLength === MiB || Math.ceil(size / (pieceLength / 2)) > 8_192
    return Number.isInteger(Math.log2(pieceLength)) && pieceLength >= MiB && Math.ceil(size / pieceLength) <= 8_192 && isSmallest
  }), { numRuns: 1_000 })
  t.pass('1000 sizes')
})

await t.test('a piece length that the size does not call for is none', async (t) => {
  const table: Array<[pieceLength: number, size: number]> = [
    [0, 0], [1, 1], [MiB / 2, 1], [MiB + 1, 1], [3 * MiB, 1], [-MiB, 1], [MiB, 8 * GiB + 1], [2 * MiB, 16 * GiB + 1],
    // A power of two, but not the smallest: two digests for one content.
    [2 * MiB, 1], [2 * MiB, 8 * GiB], [2 ** 52, 5],
  ]
  for (const [pieceLength, size] of table) t.notOk(isPieceLength(pieceLength, size), `${pieceLength} for ${size}`)
})

await t.test('property: pieces cover a content once, in order', async (t) => {
  fc.assert(fc.property(fc.nat(100_000), fc.integer({ min: 1, max: 1_000 }), (size, pieceLength) => {
    const content = { size, pieceLength }
    const count = pieceCount(content)
    let at = 0
    for (let piece = 0; piece < count; piece++) {
      const { start, end } = bytesOfPieces(content, piece, piece + 1)
      if (start !== at || end <= start || end - start > pieceLength) return false
      at = end
    }
    return at === size
  }), { numRuns: 300 })
  t.strictSame(bytesOfPieces({ size: 25, pieceLength: 10 }, 1, 3), { start: 10, end: 25 })
  t.strictSame(bytesOfPieces({ size: 25, pieceLength: 10 }, 7, 9), { start: 25, end: 25 }, 'beyond the end there is nothing')
})

await t.test('digests, whole and as a question', async (t) => {
  t.ok(isDigest(`blake3:${HEX}`))
  for (const text of [HEX, `blake3:${HEX.slice(1)}`, `blake3:${HEX}0`, `blake3:${HEX.toUpperCase()}`, `BLAKE3:${HEX}`, `sha256:${HEX}`, `blake3:${HEX}\n`, '']) {
    t.notOk(isDigest(text), JSON.stringify(text))
  }
  for (const text of [HEX, HEX.slice(0, 8), `blake3:${HEX}`, `blake3:${HEX.slice(0, 8)}`]) t.ok(isDigestQuestion(text), text)
  for (const text of ['', 'blake3:', HEX.slice(0, 7), `blake3:${HEX.slice(0, 7)}`, `${HEX}0`, 'xyzxyzxyz', `${HEX.slice(0, 8)}\n`]) {
    t.notOk(isDigestQuestion(text), JSON.stringify(text))
  }
  t.equal(digestPrefix('01234567'), 'blake3:01234567')
  t.equal(digestPrefix('blake3:01234567'), 'blake3:01234567')
})
