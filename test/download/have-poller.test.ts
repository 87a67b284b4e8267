import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import t from 'tap'
import { DEADLINES } from '../../lib/protocol/limits.js'
import { contentOf } from '../../lib/content/digest.js'
import { PieceSet } from '../../lib/content/piece-set.js'
import { WantedFile } from '../../lib/content/wanted.js'
import { HavePoller } from '../../lib/download/have-poller.js'
import type { Address } from '../../lib/protocol/address.js'
import { closed, deadPort, HOST, listen, type Scope } from '../net/peer.js'
import { MiB } from '../../lib/protocol/units.js'

const PIECES = 10
const { size, digest, pieceLength } = contentOf(Buffer.alloc(PIECES * MiB - 5, 'file.'))
const content = { size, digest, pieceLength }
const ANSWER = { type: 'SizeInformation', filename: 'file', ...content }

/** An owner that answers each question in turn, on whatever connection it comes, the last answer again and again. */
async function ownerThat (t: Scope, ...answers: Array<object | 'silence' | 'hangs up'>): Promise<{ address: Address, asked: unknown[], sockets: Socket[] }> {
  const asked: unknown[] = []
  const sockets: Socket[] = []
  const { host, port } = await listen(t, (socket) => {
    sockets.push(socket)
    createInterface({ input: socket }).on('error', () => {}).on('line', (line) => {
      const answer = answers[Math.min(asked.length, answers.length - 1)]
      asked.push(JSON.parse(line))
      if (answer === 'hangs up') socket.destroy()
      else if (answer !== 'silence') socket.write(`${JSON.stringify(answer)}\n`)
    })
    // It hangs up when the other side does.
    socket.once('end', () => socket.end())
  })
  return { address: { host, port }, asked, sockets }
}

function poller (t: Scope): HavePoller {
  const haves = new HavePoller({ filename: 'file', ...content }, new WantedFile(content), { deadlines: DEADLINES })
  t.teardown(() => haves.close())
  return haves
}

function having (...pieces: number[]): object {
  const have = new PieceSet(PIECES)
  for (const piece of pieces) have.add(piece)
  return { ...ANSWER, have: have.toBytes().toString('base64') }
}

function piecesOf ({ pieces: set }: { pieces: PieceSet }): number[] {
  return Array.from({ length: set.pieceCount }, (_, piece) => piece).filter((piece) => set.has(piece))
}

void t.test('asks for the bitmap alone, again and again over one connection', async (t) => {
  const { address, asked, sockets } = await ownerThat(t, having(3), having(0, 3, 9))
  const haves = poller(t)
  t.strictSame(piecesOf(await haves.ask(address)), [3])
  t.strictSame(piecesOf(await haves.ask(address)), [0, 3, 9])
  const question = { type: 'SizeInformation', filename: 'file', digest, size: -1, pieces: false }
  t.strictSame(asked, [question, question])
  t.equal(sockets.length, 1)
})

void t.test('a complete owner is asked what it gave away lately', async (t) => {
  const sent = having(1, 2) as { have: string }
  const { address, asked } = await ownerThat(t, { ...ANSWER, sent: sent.have }, ANSWER, { ...ANSWER, sent: 'QA==' })
  const haves = poller(t)
  const { sent: pieces = new PieceSet(0) } = await haves.askSent(address)
  t.strictSame(piecesOf({ pieces }), [1, 2])
  t.strictSame(await haves.askSent(address), {}, 'one that does not know of it')
  t.match(asked, [{ type: 'SizeInformation', pieces: false, sent: true }, { sent: true }])
  await t.rejects(haves.askSent(address), { code: 'E_PROTOCOL', message: /"sent" must be the base64 of 10 bits/ })
})

void t.test('one that is listed as complete says what it has if that is not all, and whether more will come', async (t) => {
  const { address } = await ownerThat(t, having(1, 2), { ...having(1), final: true })
  const haves = poller(t)
  const told = [await haves.askSent(address), await haves.askSent(address)]
  t.strictSame(told.map(({ have }) => have && [piecesOf(have), have.isFinal]), [[[1, 2], false], [[1], true]])
})

void t.test('each owner has a connection of its own', async (t) => {
  const [one, other] = [await ownerThat(t, having(1)), await ownerThat(t, having(2))]
  const haves = poller(t)
  t.strictSame((await Promise.all([haves.ask(one.address), haves.ask(other.address)])).map(piecesOf), [[1], [2]])
  t.strictSame([one.sockets.length, other.sockets.length], [1, 1])
})

void t.test('one that has become complete has every piece', async (t) => {
  const { address } = await ownerThat(t, having(1), ANSWER)
  const haves = poller(t)
  t.equal((await haves.ask(address)).pieces.size, 1)
  t.equal((await haves.ask(address)).pieces.size, PIECES)
})

void t.test('answers that can\'t be right', async (t) => {
  const other = contentOf(Buffer.alloc(PIECES * MiB - 5, 'other'))
  const table: Array<[what: string, answer: object, code: string]> = [
    ['another digest', { ...having(1), digest: other.digest }, 'E_PROTOCOL'],
    ['another size', { ...having(1), size: size + 1 }, 'E_PROTOCOL'],
    ['a piece length that the size has not', { ...having(1), pieceLength: 2 * MiB }, 'E_PROTOCOL'],
    ['a bitmap that is too short', { ...ANSWER, have: Buffer.alloc(1).toString('base64') }, 'E_PROTOCOL'],
    ['a bitmap that is too long', { ...ANSWER, have: Buffer.alloc(3).toString('base64') }, 'E_PROTOCOL'],
    ['a bitmap that is no base64', { ...ANSWER, have: '***' }, 'E_PROTOCOL'],
    ['another type', { ...having(1), type: 'FileCommunication' }, 'E_PROTOCOL'],
    ['a refusal', { type: 'SizeInformation', error: { code: 'E_NOT_SHARED', message: 'no' } }, 'E_NOT_SHARED'],
  ]
  for (const [what, answer, code] of table) {
    const { address, sockets } = await ownerThat(t, answer, having(4))
    const haves = poller(t)
    await t.rejects(haves.ask(address), { code }, what)
    t.strictSame(piecesOf(await haves.ask(address)), [4], 'it may do better next time')
    t.equal(sockets.length, 1)
  }
})

void t.test('bits beyond the last piece count for nothing', async (t) => {
  const { address } = await ownerThat(t, { ...ANSWER, have: Buffer.alloc(2, 0xff).toString('base64') })
  t.equal((await poller(t).ask(address)).pieces.size, PIECES)
})

void t.test('nobody there; a connection that was lost is made anew', async (t) => {
  const haves = poller(t)
  await t.rejects(haves.ask({ host: HOST, port: await deadPort() }), { code: 'E_NETWORK' })

  const { address, sockets } = await ownerThat(t, having(1), 'hangs up', having(2))
  await haves.ask(address)
  await t.rejects(haves.ask(address), { code: 'E_NETWORK' })
  t.strictSame(piecesOf(await haves.ask(address)), [2])
  t.equal(sockets.length, 2)
})

void t.test('closed: what is being asked is given up, and nothing stays open', async (t) => {
  const quiet = await ownerThat(t, having(1), 'silence')
  const idle = await ownerThat(t, having(1))
  const haves = poller(t)
  await haves.ask(idle.address)
  await haves.ask(quiet.address)
  const unanswered = haves.ask(quiet.address)
  haves.close()
  haves.close()
  await t.rejects(unanswered, { code: 'E_INTERRUPTED' })
  await Promise.all([...quiet.sockets, ...idle.sockets].map(closed))
  await t.rejects(haves.ask(idle.address), { code: 'E_INTERRUPTED' }, 'and it asks nobody any more')
  t.equal(idle.sockets.length, 1)
})

void t.test('closed while it dials', async (t) => {
  const { address, sockets } = await ownerThat(t, having(1))
  const haves = poller(t)
  const asking = haves.ask(address)
  haves.close()
  await t.rejects(asking, { code: 'E_INTERRUPTED' })
  await Promise.all(sockets.map(closed))
})
