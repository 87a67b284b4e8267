import t from 'tap'
import { PieceIndex } from '../../lib/content/piece-index.js'
import { PieceSet } from '../../lib/content/piece-set.js'

await t.test('pieces are found by their digests, all that are the same and none that is not wanted', (t) => {
  const pieces = Buffer.alloc(32 * 1_000)
  for (let piece = 0; piece < 1_000; piece++) pieces.writeUInt32BE(piece % 300, 32 * piece)
  const some = new PieceSet(1_000)
  some.addRange(0, 900)
  const index = new PieceIndex(pieces, some)
  const found = (piece: number): number[] => [...index.find(pieces, 32 * piece)].sort((a, b) => a - b)
  t.strictSame([found(7), found(299), found(990)], [[7, 307, 607], [299, 599, 899], [90, 390, 690]])
  t.strictSame([...index.find(Buffer.alloc(32, 1), 0)], [])
  t.strictSame([...new PieceIndex(pieces, new PieceSet(1_000)).find(pieces, 0)], [], 'none is wanted')
  t.end()
})
