import fc from 'fast-check'
import t from 'tap'
import { bytesOf, FileLayout, FolderLayout, piecesOf, rangesOf, type Layout } from '../../lib/content/layout.js'
import { PieceSet } from '../../lib/content/piece-set.js'
import { Selection } from '../../lib/content/selection.js'
import { pieceLengthFor, type ByteRange } from '../../lib/protocol/content.js'
import { GiB, MiB } from '../../lib/protocol/units.js'

/** Piece by piece, as the contract says it. */
function piecesByHand (sizes: readonly number[]): Array<ByteRange & { file: number }> {
  const pieces: Array<ByteRange & { file: number }> = []
  let at = 0
  sizes.forEach((size, file) => {
    for (let done = 0; done < size; done += pieceLengthFor(size)) {
      pieces.push({ file, start: at + done, end: at + Math.min(size, done + pieceLengthFor(size)) })
    }
    at += size
  })
  return pieces
}

const anySizes = fc.array(fc.oneof(fc.constant(0), fc.nat(10), fc.nat(3 * MiB), fc.constant(MiB)), { maxLength: 12 })

function fits (layout: Layout, pieces: readonly ByteRange[]): boolean {
  const size = pieces.at(-1)?.end ?? 0
  return layout.pieceCount === pieces.length && layout.size === size && layout.offsetOf(pieces.length) === size && layout.offsetOf(pieces.length + 5) === size &&
    layout.pieceAt(size) === pieces.length && layout.pieceAt(size + 1) === pieces.length &&
    pieces.every(({ start, end }, piece) => {
      const range = bytesOf(layout, { firstPiece: piece, endPiece: piece + 1 })
      return range.start === start && range.end === end && layout.pieceAt(start) === piece && layout.pieceAt(end - 1) === piece
    })
}

await t.test('property: a layout is what the contract says of each piece', async (t) => {
  fc.assert(fc.property(anySizes, (sizes) => {
    const pieces = piecesByHand(sizes)
    const layout = new FolderLayout(sizes)
    return fits(layout, pieces) && pieces.every(({ file }, piece) => layout.fileOf(piece) === file)
  }), { numRuns: 300 })
  fc.assert(fc.property(fc.nat(5 * MiB), (size) => fits(new FileLayout(size), piecesByHand([size]))), { numRuns: 100 })
  t.ok(fits(new FileLayout(25, 10), [{ start: 0, end: 10 }, { start: 10, end: 20 }, { start: 20, end: 25 }]))
})

await t.test('files of which each has longer pieces of its own', async (t) => {
  const layout = new FolderLayout([1, 8 * GiB + 1, 0, 8 * GiB])
  t.equal(layout.pieceCount, 1 + 4_097 + 8_192)
  t.strictSame(bytesOf(layout, { firstPiece: 1, endPiece: 2 }), { start: 1, end: 1 + 2 * MiB })
  t.strictSame(bytesOf(layout, { firstPiece: 4_097, endPiece: 4_098 }), { start: 8 * GiB + 1, end: 8 * GiB + 2 })
  t.equal(layout.pieceAt(8 * GiB + 2), 4_098)
  t.equal(layout.fileOf(4_098), 3)
})

await t.test('property: the pieces of a range are those of which it has a byte', async (t) => {
  fc.assert(fc.property(anySizes, fc.nat(), fc.nat(), (sizes, a, b) => {
    const layout = new FolderLayout(sizes)
    const [start = 0, end = 0] = [a % (layout.size + 1), b % (layout.size + 1)].sort((one, other) => one - other)
    const { firstPiece, endPiece } = piecesOf(layout, { start, end })
    const touched = piecesByHand(sizes).flatMap((piece, i) => piece.start < end && piece.end > start && start < end ? [i] : [])
    return endPiece - firstPiece === touched.length && (touched.length === 0 || firstPiece === touched[0])
  }), { numRuns: 300 })
  t.pass('300 ranges')
})

await t.test('property: ranges of pieces ascend, do not touch, and have these bytes and no others', async (t) => {
  fc.assert(fc.property(anySizes, fc.infiniteStream(fc.boolean()), (sizes, coins) => {
    const layout = new FolderLayout(sizes)
    const pieces = new PieceSet(layout.pieceCount)
    const byHand: ByteRange[] = []
    piecesByHand(sizes).forEach(({ start, end }, piece) => {
      if (coins.next().value !== true) return
      pieces.add(piece)
      const last = byHand.at(-1)
      if (last?.end === start) last.end = end
      else byHand.push({ start, end })
    })
    return JSON.stringify(rangesOf(layout, pieces)) === JSON.stringify(byHand) && JSON.stringify(rangesOf(layout, pieces, { most: 2 })) === JSON.stringify(byHand.slice(0, 2))
  }), { numRuns: 300 })
  t.pass('300 sets')
})

await t.test('property: of a selection each piece is where owners have it', async (t) => {
  fc.assert(fc.property(anySizes, fc.infiniteStream(fc.boolean()), fc.nat(), fc.nat(), (sizes, coins, a, b) => {
    const whole = new FolderLayout(sizes)
    const files = sizes.flatMap((_, file) => coins.next().value === true ? [file] : [])
    const selection = new Selection(whole, Uint32Array.from(files))
    const all = piecesByHand(sizes)
    const wanted = all.flatMap(({ file }, piece) => files.includes(file) ? [piece] : [])
    if (selection.layout.pieceCount !== wanted.length) return false
    const have = new PieceSet(all.length)
    all.forEach((_, piece) => { if (coins.next().value === true) have.add(piece) })
    const wantedOf = selection.wantedOf(have)
    const [firstPiece = 0, endPiece = 0] = [a % (wanted.length + 1), b % (wanted.length + 1)].sort((one, other) => one - other)
    const run = new PieceSet(all.length)
    wanted.slice(firstPiece, endPiece).forEach((piece) => run.add(piece))
    return JSON.stringify(selection.rangesOf({ firstPiece, endPiece })) === JSON.stringify(rangesOf(whole, run)) &&
      wanted.every((piece, i) => selection.pieceInFolder(i) === piece && selection.fileOf(i) === all[piece]?.file && wantedOf.has(i) === have.has(piece))
  }), { numRuns: 300 })
  t.pass('300 selections')
})

await t.test('a part ends at 4 MiB, 8192 pieces or 1024 ranges, whichever comes first', async (t) => {
  const endOf = (sizes: number[], wants: (file: number) => boolean, firstPiece = 0): number => {
    const files = sizes.flatMap((_, file) => wants(file) ? [file] : [])
    const selection = new Selection(new FolderLayout(sizes), Uint32Array.from(files))
    const end = selection.endOfPart({ firstPiece, endPiece: selection.layout.pieceCount })
    t.ok(selection.rangesOf({ firstPiece, endPiece: end }).length <= 1_024)
    return end
  }
  const all = (): boolean => true
  t.equal(endOf(Array(10).fill(5), all), 10)
  t.equal(endOf(Array(10).fill(50 * MiB), all), 4)
  t.equal(endOf(Array(10).fill(2.5 * MiB), all), 4, 'the piece that would go beyond is left out')
  t.equal(endOf([2 ** 41, 1], all), 1, 'one piece at least')
  t.equal(endOf(Array(10_000).fill(1), all, 5), 8_197)
  t.equal(endOf(Array(10_000).fill(1), (file) => file % 2 === 0), 1_024)
  t.equal(endOf(Array(10_000).fill(1), (file) => file % 4 !== 0, 1), 1 + 2 + 1_023 * 3, 'two of the first range, and then three each')
})
