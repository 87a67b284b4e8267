import fc from 'fast-check'
import t from 'tap'
import { bytesOfSet, FileLayout } from '../../lib/content/layout.js'
import { PieceSet } from '../../lib/content/piece-set.js'

void t.test('the first piece is the highest bit of the first byte', async (t) => {
  const set = new PieceSet(11)
  set.add(0)
  set.addRange(7, 10)
  t.same(set.toBytes(), Buffer.from([0b1000_0001, 0b1100_0000]))
  t.equal(set.size, 4)
  t.same([0, 1, 6, 7, 8, 9, 10].map((piece) => set.has(piece)), [true, false, false, true, true, true, false])
})

void t.test('bits beyond the last piece are ignored, bytes that are not there are 0', async (t) => {
  const set = PieceSet.fromBytes(Buffer.from([0xff, 0xff, 0xff]), 11)
  t.equal(set.size, 11)
  t.same(set.toBytes(), Buffer.from([0xff, 0xe0]))
  t.equal(set.firstGapFrom(0), 11)
  t.equal(PieceSet.fromBytes(Buffer.from([0xff]), 40).size, 8)
  set.add(11)
  set.addRange(10, 99)
  t.equal(set.size, 11, 'a piece that there is not is not added')
})

void t.test('a set of no pieces', async (t) => {
  const set = new PieceSet(0)
  t.same(set.toBytes(), Buffer.alloc(0))
  t.equal(set.firstFrom(0), 0)
})

void t.test('its runs of consecutive pieces, and their bytes', async (t) => {
  const set = new PieceSet(100)
  t.strictSame([...set.ranges()], [])
  set.add(0)
  set.addRange(30, 70)
  set.addRange(98, 100)
  t.strictSame([...set.ranges()], [[0, 1], [30, 70], [98, 100]].map(([firstPiece, endPiece]) => ({ firstPiece, endPiece })))
  t.equal(bytesOfSet(new FileLayout(995, 10), set), 425, 'the last one is shorter')
})

void t.test('it is a set, whatever happens to it', async () => {
  const move = fc.record({ what: fc.constantFrom('add', 'delete', 'addRange', 'deleteRange'), piece: fc.nat(99), length: fc.nat(40) })
  fc.assert(fc.property(fc.integer({ min: 1, max: 100 }), fc.array(move, { maxLength: 50 }), fc.nat(99), (pieceCount, moves, from) => {
    const set = new PieceSet(pieceCount)
    const model = new Set<number>()
    for (const { what, piece, length } of moves) {
      const end = what === 'addRange' || what === 'deleteRange' ? piece + length : piece + 1
      if (what === 'add') set.add(piece)
      else if (what === 'delete') set.delete(piece)
      else if (what === 'addRange') set.addRange(piece, end)
      else set.deleteRange(piece, end)
      for (let i = piece; i < Math.min(end, pieceCount); i++) {
        if (what === 'delete' || what === 'deleteRange') model.delete(i)
        else model.add(i)
      }
    }
    const pieces = Array.from({ length: pieceCount }, (_, piece) => piece)
    const copy = new PieceSet(pieceCount)
    copy.assign(PieceSet.fromBytes(set.toBytes(), pieceCount))
    return set.size === model.size && copy.size === model.size &&
      pieces.every((piece) => set.has(piece) === model.has(piece) && copy.has(piece) === model.has(piece)) &&
      set.firstFrom(from) === (pieces.find((piece) => piece >= from && model.has(piece)) ?? pieceCount) &&
      (from >= pieceCount || set.firstGapFrom(from) === (pieces.find((piece) => piece >= from && !model.has(piece)) ?? pieceCount))
  }))
})
