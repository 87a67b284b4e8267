import fc from 'fast-check'
import t from 'tap'
import { PieceSet } from '../../lib/content/piece-set.js'
import { Availability } from '../../lib/schedule/availability.js'

function pieces (pieceCount: number, wanted: Iterable<number>): PieceSet {
  const set = new PieceSet(pieceCount)
  for (const piece of wanted) set.add(piece)
  return set
}

function counts (availability: Availability, pieceCount: number): number[] {
  return Array.from({ length: pieceCount }, (_, piece) => availability.of(piece))
}

void t.test('owners come, get more, and go', async (t) => {
  const availability = new Availability(4)
  const few = pieces(4, [0, 3])
  const more = pieces(4, [0, 1, 3])
  availability.change(undefined, few)
  availability.change(undefined, pieces(4, [3]))
  t.strictSame(counts(availability, 4), [1, 0, 0, 2])
  availability.change(few, more)
  t.strictSame(counts(availability, 4), [1, 1, 0, 2])
  t.ok(availability.seen.toBytes().equals(more.toBytes()))
  availability.change(more, undefined)
  t.strictSame(counts(availability, 4), [0, 0, 0, 1])
  t.ok(availability.seen.toBytes().equals(pieces(4, [3]).toBytes()))
  t.equal(availability.of(100), 0, 'no such piece')
})

void t.test('a bitmap may lose pieces, too', async (t) => {
  const availability = new Availability(2)
  availability.change(undefined, pieces(2, [0]))
  availability.change(pieces(2, [0]), pieces(2, [1]))
  t.strictSame(counts(availability, 2), [0, 1])
  t.strictSame([availability.seen.has(0), availability.seen.has(1), availability.seen.size], [false, true, 1])
})

void t.test('whatever changes, it is what counting anew would give', async (t) => {
  // More than two words, and a last one that is not full.
  const pieceCount = 70
  const change = fc.record({ owner: fc.nat(3), have: fc.option(fc.array(fc.nat(pieceCount - 1)), { nil: undefined }) })
  fc.assert(fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
    const availability = new Availability(pieceCount)
    const owners = new Map<number, PieceSet>()
    for (const { owner, have } of changes) {
      const after = have && pieces(pieceCount, have)
      availability.change(owners.get(owner), after)
      if (after) owners.set(owner, after)
      else owners.delete(owner)
    }
    const anew = Array.from({ length: pieceCount }, (_, piece) => [...owners.values()].filter((set) => set.has(piece)).length)
    t.strictSame(counts(availability, pieceCount), anew)
    t.strictSame(Array.from(anew, (_, piece) => availability.seen.has(piece)), anew.map((count) => count > 0))
  }))
})
