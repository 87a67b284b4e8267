import t from 'tap'
import { PieceSet } from '../../lib/content/piece-set.js'
import { Bitfields } from '../../lib/schedule/bitfields.js'
import { Owner } from '../../lib/schedule/owner.js'
import { DEFAULT_POLICY } from '../../lib/schedule/policy.js'

const PIECES = 100
const POLICY = { ...DEFAULT_POLICY, haveEveryMs: 500, haveRarelyMs: 1_000, plentyPieces: 10, havesAtOnce: 2 }

function pieces (firstPiece = 0, endPiece = 0): PieceSet {
  const set = new PieceSet(PIECES)
  set.addRange(firstPiece, endPiece)
  return set
}

function owner (key: string, { complete = false, dueMs = 0 } = {}): Owner {
  return new Owner({ key, complete }, dueMs)
}

/** Of a download that has the first half. */
function halfway (): Bitfields {
  return new Bitfields(pieces(50, PIECES), POLICY)
}

void t.test('who is asked: partial owners that are due, that are not out, and not twice at a time', async (t) => {
  const bitmaps = halfway()
  const owners = [owner('complete', { complete: true }), owner('later', { dueMs: 10 }), owner('liar'), owner('A')]
  owners[2]?.standing.exclude('lied', { code: 'E_DIGEST', message: 'wrong bytes' })
  t.strictSame(bitmaps.toAsk(owners, 9).map(({ key }) => key), ['A'])
  t.strictSame(bitmaps.toAsk(owners, 10).map(({ key }) => key), ['later'])
  t.strictSame(bitmaps.toAsk(owners, 1e6).map(({ key }) => key), [])
})

void t.test('only so many at once; an answer, a failure and a loss each make room', async (t) => {
  const bitmaps = halfway()
  const [a, b, c, d, e] = ['A', 'B', 'C', 'D', 'E'].map((key) => owner(key)) as [Owner, Owner, Owner, Owner, Owner]
  const owners = [a, b, c, d, e]
  t.strictSame(bitmaps.toAsk(owners, 0).map(({ key }) => key), ['A', 'B'])
  bitmaps.set(a, pieces(0, 1), 0)
  t.strictSame(bitmaps.toAsk(owners, 0).map(({ key }) => key), ['C'])
  bitmaps.ended(b)
  bitmaps.postpone(b, 1)
  t.strictSame(bitmaps.toAsk(owners, 0).map(({ key }) => key), ['D'])
  bitmaps.drop(c)
  c.standing.exclude('refused', { code: 'E_NOT_SHARED', message: 'gone' })
  t.strictSame(bitmaps.toAsk(owners, 0).map(({ key }) => key), ['E'])
})

void t.test('what is new is told, and an owner that had nothing may have something now', async (t) => {
  const bitmaps = halfway()
  const a = owner('A')
  bitmaps.hasNothing(a, 7)
  t.equal(bitmaps.set(a, pieces(0, 5), 0), true)
  t.equal(a.knowledge.nothingAt, -1)
  t.equal(bitmaps.set(a, pieces(0, 5), 0), false)
  t.equal(bitmaps.set(a, pieces(0, 4), 0), false)
  t.equal(bitmaps.set(a, pieces(0, 5), 0), true)
  t.equal(a.knowledge.have?.size, 5)
})

void t.test('a bitmap is kept as it was when it came', async (t) => {
  const bitmaps = halfway()
  const a = owner('A')
  const answer = pieces(0, 5)
  bitmaps.set(a, answer, 0)
  answer.add(60)
  t.equal(a.knowledge.have?.has(60), false)
  bitmaps.drop(a)
  t.equal(bitmaps.availability.seen.size, 0)
})

void t.test('how soon again: soon, later where there is plenty to fetch, never where there is no more to come', async (t) => {
  const table: Array<[what: string, have: PieceSet, dueMs: number]> = [
    ['nothing', pieces(), 600],
    ['much, but nothing that is missing here', pieces(0, 50), 600],
    ['as many as are not yet plenty', pieces(50, 60), 600],
    ['plenty', pieces(50, 61), 1_100],
    ['everything', pieces(0, PIECES), Infinity],
  ]
  for (const [what, have, dueMs] of table) {
    const a = owner('A')
    halfway().set(a, have, 100)
    t.equal(a.knowledge.dueMs, dueMs, what)
  }
})

void t.test('what was dropped counts no more, and is asked for at once', async (t) => {
  const bitmaps = halfway()
  const [a, b] = [owner('A'), owner('B')]
  bitmaps.set(a, pieces(0, 5), 0)
  bitmaps.set(b, pieces(4, 6), 0)
  t.strictSame([0, 4, 5, 6].map((piece) => bitmaps.availability.of(piece)), [1, 2, 1, 0])
  bitmaps.drop(a)
  t.equal(a.knowledge.have, undefined)
  t.strictSame([0, 4, 5, 6].map((piece) => bitmaps.availability.of(piece)), [0, 1, 1, 0])
  t.strictSame(bitmaps.toAsk([a, b], 0).map(({ key }) => key), ['A'])
})
