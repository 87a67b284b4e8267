import t from 'tap'
import { endOfBlock, rankFor, saltOf } from '../../lib/download/rank.js'

const PIECES = 2_000
const NAMES = ['NodeA', 'NodeB', 'NodeC', 'NodeD', 'NodeE']
const SALTS = NAMES.map(saltOf)

/** The place of each node for a piece, as each of them sees it itself. */
function ranksFor (piece: number): number[] {
  return SALTS.map((own) => rankFor(piece, own, SALTS.filter((salt) => salt !== own)))
}

void t.test('a name always has the same number, others have others', async (t) => {
  t.equal(saltOf('NodeA'), saltOf('NodeA'))
  const names = Array.from({ length: 1_000 }, (_, i) => `node${i}`)
  t.equal(new Set(names.map(saltOf)).size, names.length)
})

void t.test('nodes that know the same names agree who comes when', async (t) => {
  for (let piece = 0; piece < 200; piece++) t.strictSame(ranksFor(piece).sort(), [0, 1, 2, 3, 4])
})

void t.test('the order in which the others are known does not matter; alone one comes first', async (t) => {
  const [own = 0, ...others] = SALTS
  for (let piece = 0; piece < 200; piece++) {
    t.equal(rankFor(piece, own, [...others].reverse()), rankFor(piece, own, others))
    t.equal(rankFor(piece, own, []), 0)
  }
})

void t.test('who leaves makes room for the next ones, and changes nothing among the others', async (t) => {
  const [own = 0, gone = 0, ...others] = SALTS
  for (let piece = 0; piece < 200; piece++) {
    const before = rankFor(piece, own, [gone, ...others])
    const isBehind = rankFor(piece, gone, [own]) === 1
    t.equal(rankFor(piece, own, others), isBehind ? before : before - 1)
  }
})

void t.test('the pieces of a block go to the same node, and each node has its share', async (t) => {
  const firsts = new Map<number, number>()
  for (let piece = 0; piece < PIECES; piece = endOfBlock(piece)) {
    const ranks = ranksFor(piece)
    for (let next = piece; next < endOfBlock(piece); next++) t.strictSame(ranksFor(next), ranks)
    const first = ranks.indexOf(0)
    firsts.set(first, (firsts.get(first) ?? 0) + 1)
  }
  const fairShare = PIECES / endOfBlock(0) / NAMES.length
  for (const [i, name] of NAMES.entries()) {
    const share = firsts.get(i) ?? 0
    t.ok(share > 0.75 * fairShare && share < 1.25 * fairShare, `${name} brings ${share} blocks, ${fairShare} would be fair`)
  }
})

void t.test('blocks follow on one another', async (t) => {
  const end = endOfBlock(0)
  for (let piece = 0; piece < end; piece++) t.equal(endOfBlock(piece), end)
  t.equal(endOfBlock(end), 2 * end)
})
