import { blake3 } from '@napi-rs/blake-hash'
import t from 'tap'
import { contentDigest, contentOf, isPieceListOf } from '../../lib/content/digest.js'
import { MiB } from '../../lib/protocol/units.js'

/** The contract's words, by hand. */
function digestByHand (size: number, pieceLength: number, pieces: readonly Buffer[]): string {
  return `blake3:${blake3(Buffer.concat([Buffer.from(`piecemeal/1 ${size} ${pieceLength}\n`, 'ascii'), ...pieces])).toString('hex')}`
}

await t.test('the primitive is BLAKE3, by its published vectors', async (t) => {
  t.equal(blake3(Buffer.alloc(0)).toString('hex'), 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262')
  t.equal(blake3(Buffer.from('abc')).toString('hex'), '6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85')
})

await t.test('contents of none, one and several pieces', async (t) => {
  const abc = Buffer.from('abc')
  const long = Buffer.alloc(2 * MiB + 1, 'piecemeal')
  const table: Array<[data: Buffer, pieces: Buffer[]]> = [
    [Buffer.alloc(0), []],
    [abc, [blake3(abc)]],
    [long.subarray(0, MiB), [blake3(long.subarray(0, MiB))]],
    [long, [blake3(long.subarray(0, MiB)), blake3(long.subarray(MiB, 2 * MiB)), blake3(long.subarray(2 * MiB))]],
  ]
  for (const [data, pieces] of table) {
    const digest = digestByHand(data.length, MiB, pieces)
    t.strictSame(contentOf(data), { size: data.length, pieceLength: MiB, digest, pieces: Buffer.concat(pieces) })
    t.equal(contentDigest(data.length, MiB, Buffer.concat(pieces)), digest)
  }
})

await t.test('digests that must never change: others hold them', async (t) => {
  t.equal(contentOf(Buffer.alloc(0)).digest, 'blake3:465788f17934d9b08e7e5757d41070cf5104983388962a1f5a92705d8b9c8fdd')
  t.equal(contentOf(Buffer.from('abc')).digest, 'blake3:d3e166aa335733d11b875870dc19b1bfcbbf3bccaf089eaa5fcf95227d7b308b')
})

await t.test('a piece list is the one that the digest was made of, or not', async (t) => {
  const { pieces, ...content } = contentOf(Buffer.alloc(2 * MiB + 1, 'piecemeal'))
  t.ok(isPieceListOf(content, pieces))
  const flipped = Buffer.from(pieces)
  flipped[40] = (flipped[40] ?? 0) ^ 1
  const swapped = Buffer.concat([pieces.subarray(32, 64), pieces.subarray(0, 32), pieces.subarray(64)])
  for (const [what, list] of Object.entries({ flipped, swapped, none: Buffer.alloc(0), fewer: pieces.subarray(32), more: Buffer.concat([pieces, pieces.subarray(0, 32)]), torn: pieces.subarray(1) })) {
    t.notOk(isPieceListOf(content, list), what)
  }
  t.notOk(isPieceListOf({ ...content, size: content.size + 1 }, pieces), 'the size is part of it')
  t.notOk(isPieceListOf({ ...content, pieceLength: 2 * MiB }, pieces), 'and the piece length')
  // A list with a digest of its own making, but not of as many pieces as the size has.
  const short = pieces.subarray(0, 32)
  t.notOk(isPieceListOf({ ...content, digest: contentDigest(content.size, MiB, short) }, short))
})
