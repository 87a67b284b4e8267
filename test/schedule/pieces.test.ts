import t from 'tap'
import { Pieces } from '../../lib/schedule/pieces.js'

/** Each piece as a letter: `m` missing, `d` done, `.` neither, that is, in a part. */
function shown ({ missing, done, pieceCount }: Pieces): string {
  return Array.from({ length: pieceCount }, (_, piece) => (missing.has(piece) ? 'm' : '') + (done.has(piece) ? 'd' : '') || '.').join('')
}

void t.test('from missing to done, and back to missing what a part has not brought', async (t) => {
  const pieces = new Pieces(8)
  t.equal(shown(pieces), 'mmmmmmmm')
  pieces.setDone(0, 1)
  const part = pieces.start({ owner: 'A', firstPiece: 2, endPiece: 6, cutAt: 'seen', isPatient: false }, 5)
  t.match(part, { id: 0, owner: 'A', verifiedPiece: 2, receivedBytes: 0, lastByteMs: 5, startedMs: 5 })
  t.equal(shown(pieces), 'dm....mm')
  pieces.setDone(2, 3)
  part.verifiedPiece = 3
  t.equal(shown(pieces), 'dmd...mm')
  pieces.shorten(part, 5)
  t.equal(shown(pieces), 'dmd..mmm')
  t.equal(part.endPiece, 5)
  t.equal(pieces.returns, 1)
  pieces.end(part)
  t.equal(shown(pieces), 'dmdmmmmm')
  t.equal(pieces.returns, 3)
  t.equal(pieces.parts.size, 0)
  t.equal(pieces.started, 1)
})

void t.test('what another part brings, or has brought, is not missing', async (t) => {
  const pieces = new Pieces(4)
  const slow = pieces.start({ owner: 'A', firstPiece: 0, endPiece: 4, cutAt: 'never', isPatient: false }, 0)
  const helper = pieces.start({ owner: 'B', firstPiece: 2, endPiece: 4, cutAt: 'never', isPatient: false }, 0)
  pieces.setDone(2, 3)
  helper.verifiedPiece = 3
  pieces.end(slow)
  t.equal(shown(pieces), 'mmd.')
  pieces.end(helper)
  t.equal(shown(pieces), 'mmdm')
  t.notOk(pieces.isDone)
  pieces.setDone(0, 4)
  t.ok(pieces.isDone)
})
