import t from 'tap'
import type { Part } from '../../lib/schedule/part.js'
import { PartControl } from '../../lib/threads/part-control.js'
import type { PartTask, WholeFile } from '../../lib/part/part-task.js'
import { WantedFile } from '../../lib/content/wanted.js'
import { RunningPart, type PartEnd } from '../../lib/download/running-part.js'
import { RateLimit } from '../../lib/threads/rate-limit.js'
import { PiecemealError } from '../../lib/protocol/errors.js'
import { DEADLINES } from '../../lib/protocol/limits.js'
import { tinyContent } from './contents.js'

const content = tinyContent(100)
const OWNER = { name: 'A', host: '127.0.0.1', inputPort: 1, outputPort: 2, complete: true }

interface Thread {
  task: PartTask
  signal: AbortSignal
  end: (file?: WholeFile) => void
  fail: (error: Error) => void
}

interface Started extends Thread {
  running: RunningPart
  part: Part
  control: PartControl
  ends: PartEnd[]
}

/** A part of the pieces 2 to 6, and the thread that it was given to. */
function start (): Started {
  const part: Part = { id: 0, owner: 'A', firstPiece: 2, endPiece: 6, cutAt: 'never', isPatient: false, verifiedPiece: 2, receivedBytes: 0, lastByteMs: 0, lastPieceMs: 0, startedMs: 0 }
  const threads: Thread[] = []
  const ends: PartEnd[] = []
  const running = new RunningPart({
    part, owner: OWNER, place: { firstPiece: 2, endPiece: 6, path: '/part', originPiece: 2, isWindow: false, isBlank: true }, found: { ...content, owners: [OWNER] }, wanted: new WantedFile(content), pieces: content.pieces, target: '/target', onEnd: async (how) => { ends.push(how) },
  }, {
    name: 'me',
    deadlines: DEADLINES,
    naming: { way: 'link', hiddenFolder: '/hidden' },
    down: new RateLimit(),
    fetchPart: async (task, signal) => await new Promise((resolve, reject) => threads.push({ task, signal, end: resolve, fail: reject })),
  })
  const [thread] = threads
  if (thread === undefined) throw new Error('no thread was started')
  return { ...thread, running, part, control: new PartControl(thread.task.control), ends }
}

void t.test('the thread is told what to fetch, and its end is passed on', async (t) => {
  const { running, task, end, ends } = start()
  t.match(task, { name: 'me', filename: 'file', firstPiece: 2, endPiece: 6, owner: { host: '127.0.0.1', port: 2 }, path: '/part', origin: 20, offsets: Float64Array.of(20, 30, 40, 50, 60), ranges: [{ start: 20, end: 60 }], isWindow: false, target: '/target' })
  t.ok(content.pieces.subarray(2 * 32, 6 * 32).equals(task.pieces ?? Buffer.alloc(0)))
  t.equal(task.pieces?.buffer.byteLength, 4 * 32, 'and no more than that crosses threads')
  t.strictSame(ends, [])
  const file = { pieces: content.pieces, identity: { dev: 1n, ino: 2n, size: 3n, mtimeNs: 4n, ctimeNs: 5n } }
  end(file)
  await running.ended
  t.strictSame(ends, [{ file }])
})

void t.test('a thread that fails', async (t) => {
  const { running, fail, ends } = start()
  fail(new PiecemealError('E_NETWORK', 'gone'))
  await running.ended
  t.match(ends, [{ failure: { code: 'E_NETWORK', message: 'gone' } }])
})

void t.test('what has come is told once, and never more than the part is to bring', async (t) => {
  const { running, control } = start()
  t.equal(running.takeNewRun(), undefined)
  control.verifiedPiece = 4
  t.strictSame(running.takeNewRun(), { firstPiece: 2, endPiece: 4, path: '/part', originPiece: 2 })
  t.equal(running.takeNewRun(), undefined)
  running.stopEarlier(5)
  t.equal(control.stopPiece, 5)
  control.verifiedPiece = 6
  t.strictSame(running.takeNewRun(), { firstPiece: 2, endPiece: 5, path: '/part', originPiece: 2 })
})

void t.test('a thread is ended only once it has given no sign of life for long', async (t) => {
  const { running, control, signal } = start()
  const nowMs = performance.now()
  control.beat()
  running.killIfStuck(nowMs)
  running.killIfStuck(nowMs + DEADLINES.threadHangMs / 2)
  t.notOk(signal.aborted)
  control.beat()
  running.killIfStuck(nowMs + 2 * DEADLINES.threadHangMs)
  t.notOk(signal.aborted, 'it lives')
  running.killIfStuck(nowMs + 3 * DEADLINES.threadHangMs + 1)
  t.ok(signal.aborted)
})

void t.test('a thread that is in a file call waits, however long the disk takes', async (t) => {
  const { running, control, signal } = start()
  // A whole number, so that sums and differences are exact.
  const nowMs = Math.ceil(performance.now())
  control.beat()
  control.countFileCall()
  running.killIfStuck(nowMs)
  t.equal(running.diskWaitMs(nowMs + 1_000), 1_000)
  running.killIfStuck(nowMs + 10 * DEADLINES.threadHangMs)
  t.equal(running.diskWaitMs(nowMs + 10 * DEADLINES.threadHangMs), 10 * DEADLINES.threadHangMs)
  t.notOk(signal.aborted)

  control.countFileCall()
  running.killIfStuck(nowMs + 10.5 * DEADLINES.threadHangMs)
  t.equal(running.diskWaitMs(nowMs + 10.5 * DEADLINES.threadHangMs), 0)
  t.notOk(signal.aborted, 'it has all of its time after the call')
  control.countFileCall()
  control.countFileCall()
  control.countFileCall()
  running.killIfStuck(nowMs + 11 * DEADLINES.threadHangMs)
  t.equal(running.diskWaitMs(nowMs + 11 * DEADLINES.threadHangMs), 0, 'another call')
  control.countFileCall()
  running.killIfStuck(nowMs + 12 * DEADLINES.threadHangMs)
  running.killIfStuck(nowMs + 14 * DEADLINES.threadHangMs)
  t.ok(signal.aborted, 'and is ended when it hangs outside of one')
})
