import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import t from 'tap'
import { DEADLINES } from '../../lib/protocol/limits.js'
import { contentOf } from '../../lib/content/digest.js'
import { fetchPieceList, type CheckedPieceList } from '../../lib/download/piece-list.js'
import { pieceLengthFor } from '../../lib/protocol/content.js'
import type { Found, Owner } from '../../lib/protocol/tracker-to-node.js'
import { deadPort, HOST, listen, silentPort, type Scope } from '../net/peer.js'
import { MiB } from '../../lib/protocol/units.js'

const { pieces, ...content } = contentOf(Buffer.alloc(2 * MiB + 5, 'file.'))
const ANSWER = { type: 'SizeInformation', filename: 'file', ...content, pieces: pieces.toString('base64') }
const OTHER = contentOf(Buffer.alloc(2 * MiB + 5, 'other'))

type Behave = (socket: Socket, question: Record<string, unknown>) => void

function answering (answer: unknown): Behave {
  return (socket) => { socket.write(typeof answer === 'string' ? answer : `${JSON.stringify(answer)}\n`) }
}

const honest = answering(ANSWER)
const silent: Behave = () => {}
const refusing = answering({ type: 'SizeInformation', error: { code: 'E_NOT_SHARED', message: 'no' } })

function owner (name: string, inputPort: number): Owner {
  return { name, host: HOST, inputPort, outputPort: 1, complete: true }
}

/** An owner whose input port does as told, and how often it was asked. */
async function ownerThat (t: Scope, name: string, behave: Behave): Promise<{ owner: Owner, asked: Array<Record<string, unknown>> }> {
  const asked: Array<Record<string, unknown>> = []
  const { port } = await listen(t, (socket) => {
    createInterface({ input: socket })
      .on('error', () => {})
      .on('line', (line) => {
        const question = JSON.parse(line) as Record<string, unknown>
        asked.push(question)
        behave(socket, question)
      })
  })
  return { owner: owner(name, port), asked }
}

function found (...owners: Owner[]): Found {
  return { filename: 'file', ...content, owners }
}

async function fetchList (found: Found, signal: AbortSignal): Promise<CheckedPieceList> {
  return await fetchPieceList(found, signal, { deadlines: DEADLINES })
}

function inTime (): AbortSignal {
  return AbortSignal.timeout(20_000)
}

// They wait far more than they work.
await t.test('the list of pieces', { jobs: 6 }, async (t) => {
  void t.test('an honest owner', async (t) => {
    const { owner, asked } = await ownerThat(t, 'NodeA', honest)
    t.match(await fetchList(found(owner), inTime()), { content: { ...content, pieces }, liars: [], roundTrip: { owner, ms: Number } })
    t.strictSame(asked, [{ type: 'SizeInformation', filename: 'file', digest: content.digest, size: -1 }])
  })

  void t.test('an empty list of another digest', async (t) => {
    const { pieces: none, ...emptyContent } = contentOf(Buffer.alloc(0))
    const liar = await ownerThat(t, 'NodeA', answering({ type: 'SizeInformation', filename: 'file', ...emptyContent, digest: content.digest, pieces: '' }))
    await t.rejects(fetchList({ filename: 'file', ...emptyContent, digest: content.digest, owners: [liar.owner] }, inTime()), { code: 'E_DIGEST' })
  })

  void t.test('what the tracker says beside the digest is a hint: an owner that differs from it is none the worse', async (t) => {
    const { owner } = await ownerThat(t, 'NodeA', honest)
    for (const size of [0, 5, MiB, 2 * MiB + 4, 3 * MiB, 2 ** 40]) {
      const told = { ...found(owner), size, pieceLength: pieceLengthFor(size) }
      t.match(await fetchList(told, inTime()), { content: { ...content, pieces }, liars: [] }, String(size))
    }
  })

  void t.test('answers that are not the list that the digest was made of', async (t) => {
    const swapped = Buffer.concat([pieces.subarray(32, 64), pieces.subarray(0, 32), pieces.subarray(64)])
    const table: Array<[what: string, answer: unknown, code: string]> = [
      ['another list', { ...ANSWER, pieces: OTHER.pieces.toString('base64') }, 'E_DIGEST'],
      ['a list in another order', { ...ANSWER, pieces: swapped.toString('base64') }, 'E_DIGEST'],
      ['another digest, with its list', { ...ANSWER, digest: OTHER.digest, pieces: OTHER.pieces.toString('base64') }, 'E_DIGEST'],
      ['another size', { ...ANSWER, size: content.size + 1 }, 'E_DIGEST'],
      ['no list', { ...ANSWER, pieces: undefined }, 'E_DIGEST'],
      ['a list that is too short', { ...ANSWER, pieces: pieces.subarray(32).toString('base64') }, 'E_PROTOCOL'],
      ['a list that is no base64', { ...ANSWER, pieces: '***' }, 'E_PROTOCOL'],
      ['a size of -1', { ...ANSWER, size: -1 }, 'E_PROTOCOL'],
      ['a size of 1.5', { ...ANSWER, size: 1.5 }, 'E_PROTOCOL'],
      ['a size of "5"', { ...ANSWER, size: '5' }, 'E_PROTOCOL'],
      ['a size of null', { ...ANSWER, size: null }, 'E_PROTOCOL'],
      ['a size of 2^53', { ...ANSWER, size: 2 ** 53 }, 'E_PROTOCOL'],
      ['a size of 1e400', JSON.stringify(ANSWER).replace(`"size":${content.size}`, '"size":1e400') + '\n', 'E_PROTOCOL'],
      ['another type', { ...ANSWER, type: 'FileCommunication' }, 'E_PROTOCOL'],
      ['HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'E_PROTOCOL'],
      ['a line that never ends', 'x'.repeat(2 * MiB), 'E_PROTOCOL'],
      ['a refusal', { type: 'SizeInformation', error: { code: 'E_NOT_SHARED', message: 'no' } }, 'E_NOT_SHARED'],
      ['a refusal that makes no sense', { type: 'SizeInformation', error: { code: 'E_DISK_FULL', message: 'no' } }, 'E_PROTOCOL'],
    ]
    const good = await ownerThat(t, 'Honest', honest)
    for (const [what, answer, code] of table) {
      const bad = await ownerThat(t, 'NodeA', answering(answer))
      await t.rejects(fetchList(found(bad.owner), inTime()), { code }, what)
      const { content: { pieces: list }, liars } = await fetchList(found(bad.owner, good.owner), inTime())
      t.ok(list.equals(pieces), `${what}: another owner has it`)
      t.strictSame(liars, code === 'E_DIGEST' ? [bad.owner] : [], what)
    }
  })

  void t.test('where only lies come, that is what is told', async (t) => {
    const liar = await ownerThat(t, 'Liar', answering({ ...ANSWER, pieces: OTHER.pieces.toString('base64') }))
    const other = await ownerThat(t, 'Other', refusing)
    const dead = owner('Dead', await deadPort())
    await t.rejects(fetchList(found(dead, liar.owner, other.owner), inTime()), { code: 'E_DIGEST', message: /"Liar".*"file"/ })
  })

  void t.test('where nobody answers', async (t) => {
    const dead = owner('Dead', await deadPort())
    await t.rejects(fetchList(found(dead), inTime()), { code: 'E_NETWORK' })
    await t.rejects(fetchList(found(), inTime()), { code: 'E_NO_OWNER', message: /"file"/ })
    const closing = await ownerThat(t, 'Closing', (socket) => { socket.destroy() })
    await t.rejects(fetchList(found(dead, closing.owner), inTime()), { code: 'E_NETWORK' })
  })

  void t.test('dead, refusing and closing owners before an honest one', async (t) => {
    const dead = owner('Dead', await deadPort())
    const [closing, refusal, good] = [await ownerThat(t, 'Closing', (socket) => { socket.resetAndDestroy() }), await ownerThat(t, 'Refusing', refusing), await ownerThat(t, 'Honest', honest)]
    t.match(await fetchList(found(dead, dead, closing.owner, refusal.owner, good.owner), inTime()), { content: { ...content, pieces }, liars: [] })
  })

  void t.test('an owner that is silent does not keep the others from being asked', async (t) => {
    const [quiet, good] = [await ownerThat(t, 'Silent', silent), await ownerThat(t, 'Honest', honest)]
    // Before a request, or a connection, is given up.
    t.match(await fetchList(found(quiet.owner, quiet.owner, good.owner), AbortSignal.timeout(4_000)), { content: { ...content, pieces }, liars: [] })
  })

  void t.test('the one who answers at once is the only one asked', async (t) => {
    const [first, second] = [await ownerThat(t, 'First', honest), await ownerThat(t, 'Second', honest)]
    await fetchList(found(first.owner, second.owner), inTime())
    t.strictSame([first.asked.length, second.asked.length], [1, 0])
  })

  void t.test('30 owners behind a cut cable cost no more than the deadline of one', async (t) => {
    const port = await silentPort(t)
    const good = await ownerThat(t, 'Honest', honest)
    const lost = Array.from({ length: 30 }, (_, i) => owner(`Lost${i}`, port))
    // 5 s to connect, in parallel with the others, and a second for a busy machine.
    await t.resolves(fetchList(found(...lost, good.owner), AbortSignal.timeout(6_000)))
  })

  void t.test('stopped', async (t) => {
    const quiet = await ownerThat(t, 'Silent', silent)
    const stopping = new AbortController()
    const asked = await ownerThat(t, 'Asked', () => { stopping.abort() })
    await t.rejects(fetchList(found(asked.owner, quiet.owner), stopping.signal), { code: 'E_INTERRUPTED', message: /"file"/ })
    await t.rejects(fetchList(found(quiet.owner), AbortSignal.abort()), { code: 'E_INTERRUPTED' })
  })
})
