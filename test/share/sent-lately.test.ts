import t from 'tap'
import { FileLayout, FolderLayout } from '../../lib/content/layout.js'
import { SentLately, SentPieces } from '../../lib/share/sent-lately.js'
import type { PieceSet } from '../../lib/content/piece-set.js'
import { CONTENTS_SENT_LATELY } from '../../lib/protocol/limits.js'
import { MiB } from '../../lib/protocol/units.js'

function numbers (set: PieceSet | undefined): number[] | undefined {
  return set && Array.from({ length: set.pieceCount }, (_, piece) => piece).filter((piece) => set.has(piece))
}

void t.test('what is on its way counts, and what did not go out whole counts no more', async (t) => {
  const sent = new SentPieces(10)
  sent.begin(2, 5)
  t.strictSame(numbers(sent.at(0)), [2, 3, 4])
  t.strictSame(numbers(sent.at(1e6)), [2, 3, 4], 'however long it takes')
  sent.end(2, 5, 3, 1e6)
  t.strictSame(numbers(sent.at(1e6)), [2])
})

void t.test('a piece that goes out twice counts until both have ended', async (t) => {
  const sent = new SentPieces(10)
  sent.begin(2, 4)
  sent.begin(3, 5)
  sent.end(2, 4, 2, 0)
  t.strictSame(numbers(sent.at(0)), [3, 4])
  sent.end(3, 5, 3, 0)
  t.strictSame(numbers(sent.at(0)), [])
})

void t.test('what went out is forgotten after 4 to 8 seconds', async (t) => {
  const sent = new SentPieces(10)
  sent.begin(0, 2)
  sent.end(0, 1, 1, 0)
  t.strictSame(numbers(sent.at(3_999)), [0, 1], 'of the second one nobody said that it ended')
  sent.end(1, 2, 2, 3_999)
  t.strictSame(numbers(sent.at(7_998)), [0, 1])
  t.strictSame(numbers(sent.at(12_000)), [])
  sent.begin(5, 6)
  sent.end(5, 6, 6, 12_000)
  t.strictSame(numbers(sent.at(100_000)), [], 'and after a long silence')
})

void t.test('ranges of bytes become the pieces that they touch, of which those count that went out whole', async (t) => {
  const sent = new SentLately()
  const layout = new FileLayout(9.5 * MiB)
  t.equal(sent.at('a', 0), undefined)
  const end = sent.begin('a', layout, [{ start: 2 * MiB, end: 5 * MiB }])
  const last = sent.begin('a', layout, [{ start: 8 * MiB, end: 9.5 * MiB }])
  t.strictSame(numbers(sent.at('a', 0)), [2, 3, 4, 8, 9])
  end(1.5 * MiB, 0)
  t.strictSame(numbers(sent.at('a', 0)), [2, 8, 9])
  last(1.5 * MiB, 0)
  t.strictSame(numbers(sent.at('a', 0)), [2, 8, 9], 'the last piece is a short one')
  t.equal(sent.at('b', 0), undefined, 'another content')
})

void t.test('of several ranges the first have gone out', async (t) => {
  const sent = new SentLately()
  // Pieces of 1, 1, 2 and 3 bytes.
  const end = sent.begin('a', new FolderLayout([1, 0, 1, 2, 3]), [{ start: 0, end: 1 }, { start: 2, end: 7 }])
  t.strictSame(numbers(sent.at('a', 0)), [0, 2, 3])
  end(4, 0)
  t.strictSame(numbers(sent.at('a', 0)), [0, 2])
})

void t.test('only so many contents are remembered', async (t) => {
  const sent = new SentLately()
  const ranges = [{ start: 0, end: MiB }]
  const layout = new FileLayout(MiB)
  for (let i = 0; i < CONTENTS_SENT_LATELY; i++) sent.begin(String(i), layout, ranges)
  const end = sent.begin('0', layout, ranges)
  sent.begin('one more', layout, ranges)
  t.ok(sent.at('0', 0), 'one that was asked for again')
  t.equal(sent.at('1', 0), undefined, 'the one that was asked for longest ago')
  t.doesNotThrow(() => end(MiB, 0))
})
