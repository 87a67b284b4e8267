import t from 'tap'
import { FileLayout } from '../../lib/content/layout.js'
import { Tally } from '../../lib/download/tally.js'

void t.test('whoever brings a piece first has brought it', async (t) => {
  // Pieces of 10 bytes, the last of 5.
  const tally = new Tally(new FileLayout(35, 10))
  tally.count({ firstPiece: 0, endPiece: 1 })
  t.equal(tally.bytes, 10)
  t.strictSame(tally.owners, [], 'what was there already nobody has brought')
  tally.count({ firstPiece: 0, endPiece: 3 }, 'A')
  tally.count({ firstPiece: 1, endPiece: 4 }, 'B')
  t.equal(tally.bytes, 35)
  t.strictSame(tally.owners, [{ name: 'A', bytes: 20 }, { name: 'B', bytes: 5 }])
  tally.count({ firstPiece: 2, endPiece: 2 }, 'C')
  tally.count({ firstPiece: 0, endPiece: 4 }, 'C')
  t.equal(tally.bytes, 35)
  t.equal(tally.owners.length, 2)
})
