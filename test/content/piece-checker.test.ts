import { blake3 } from '@napi-rs/blake-hash'
import fc from 'fast-check'
import t from 'tap'
import { contentOf } from '../../lib/content/digest.js'
import { PieceChecker } from '../../lib/content/piece-checker.js'

const PIECE = 10

function piecesOf (data: Buffer): Buffer[] {
  return Array.from({ length: Math.ceil(data.length / PIECE) }, (_, i) => blake3(data.subarray(i * PIECE, (i + 1) * PIECE)))
}

/** Feeds as a stream would, and tells which piece every verdict was on. */
function check (checker: PieceChecker, data: Buffer, chunkBytes: readonly number[]): Array<[piece: number, verdict: string]> {
  const verdicts: Array<[number, string]> = []
  for (let at = 0, i = 0; at < data.length; i++) {
    const wanted = chunkBytes[i % chunkBytes.length] ?? 1
    const chunk = data.subarray(at, at + Math.min(wanted, checker.leftInPiece))
    const piece = checker.piece
    const verdict = checker.take(chunk)
    if (verdict !== 'more') verdicts.push([piece, verdict])
    if (verdict === 'bad') break
    at += chunk.length
  }
  return verdicts
}

await t.test('property: however the bytes are cut, good pieces are good and the first wrong byte is seen', async (t) => {
  const chunks = fc.array(fc.integer({ min: 1, max: 2 * PIECE }), { minLength: 1, maxLength: 10 })
  fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 95 }), chunks, fc.nat(), fc.nat(), fc.boolean(), (bytes, chunkBytes, from, at, isDamaged) => {
    const data = Buffer.from(bytes)
    const pieces = piecesOf(data)
    const firstPiece = from % pieces.length
    const checker = new PieceChecker({ size: data.length, pieceLength: PIECE, digest: '' }, Buffer.concat(pieces.slice(firstPiece)), firstPiece)
    const sent = Buffer.from(data.subarray(firstPiece * PIECE))
    const damaged = isDamaged ? at % sent.length : Infinity
    if (isDamaged) sent[damaged] = (sent[damaged] ?? 0) ^ 0x10
    const end = isDamaged ? firstPiece + Math.floor(damaged / PIECE) : pieces.length
    const good = Array.from({ length: end - firstPiece }, (_, i) => [firstPiece + i, 'good'])
    const wanted = isDamaged ? [...good, [end, 'bad']] : good
    const verdicts = check(checker, sent, chunkBytes)
    return JSON.stringify(verdicts) === JSON.stringify(wanted) && checker.piece === end && (isDamaged || checker.leftInPiece === 0)
  }), { numRuns: 500 })
  t.pass('500 streams')
})

await t.test('a piece that is whole but another one is bad', async (t) => {
  const data = Buffer.from('0123456789abcdefghij')
  const checker = new PieceChecker({ size: 20, pieceLength: PIECE, digest: '' }, Buffer.concat(piecesOf(data)), 0)
  t.equal(checker.leftInPiece, 10)
  t.equal(checker.take(data.subarray(10)), 'bad')
  t.equal(checker.piece, 0, 'it is not known to be good')
})

await t.test('the only piece of a content needs no list: the digest of the whole says it all', async (t) => {
  const data = Buffer.from('a small file')
  const content = contentOf(data)
  const good = new PieceChecker(content, undefined, 0)
  t.equal(good.digest, undefined)
  t.equal(good.take(data), 'good')
  t.strictSame(good.digest, content.pieces, 'and its digest is the list')
  const bad = new PieceChecker(content, undefined, 0)
  t.equal(bad.take(Buffer.from('a small film')), 'bad')
})
