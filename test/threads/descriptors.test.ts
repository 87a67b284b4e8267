import { closeSync, openSync } from 'node:fs'
import t from 'tap'
import { CONNECTIONS, MAX_FETCH_THREADS, UPLOAD_STREAMS } from '../../lib/protocol/limits.js'
import { shareOut, spareDescriptors, trackerConnections } from '../../lib/threads/descriptors.js'

void t.test('with enough of them nobody goes short', async (t) => {
  t.strictSame(shareOut(Infinity), { threads: MAX_FETCH_THREADS, uploads: UPLOAD_STREAMS, connections: CONNECTIONS })
  t.match(shareOut(1_000), { threads: MAX_FETCH_THREADS, uploads: UPLOAD_STREAMS }, 'the usual 1,024')
})

void t.test('with few of them each gets some, and together no more than there are', async (t) => {
  for (let spare = 40; spare < 2_000; spare++) {
    const { threads, uploads, connections } = shareOut(spare)
    t.ok(threads * 7 + uploads * 2 + 2 * (connections - uploads) + 18 <= spare || spare < 45, String(spare))
  }
  t.strictSame(shareOut(0), { threads: 1, uploads: 1, connections: 2 })
})

void t.test('a tracker keeps some for what it does beside its connections', async (t) => {
  t.equal(trackerConnections(Infinity), Infinity)
  t.equal(trackerConnections(1_000), 960)
  for (let spare = 4; spare < 80; spare++) t.ok(trackerConnections(spare) <= spare / 2, String(spare))
  t.equal(trackerConnections(0), 2)
})

void t.test('what may still be opened', async (t) => {
  const before = spareDescriptors()
  const fd = openSync('/dev/null', 'r')
  t.equal(spareDescriptors(), before - 1)
  closeSync(fd)
})
