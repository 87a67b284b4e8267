/** How patiently the list of pieces is asked for; what one round of asking does is in piece-list.test.ts. */
import { createInterface } from 'node:readline'
import t from 'tap'
import { contentOf } from '../../lib/content/digest.js'
import { findPieceList } from '../../lib/download/find-piece-list.js'
import type { Deadlines } from '../../lib/protocol/limits.js'
import { DEADLINES } from '../../lib/protocol/limits.js'
import { MiB } from '../../lib/protocol/units.js'
import { PiecemealError, type ErrorCode } from '../../lib/protocol/errors.js'
import type { Found, Owner } from '../../lib/protocol/tracker-to-node.js'
import { deadPort, HOST, listen, type Scope } from '../net/peer.js'

const { pieces, ...content } = contentOf(Buffer.alloc(2 * MiB + 5, 'file.'))
const LIST = { type: 'SizeInformation', filename: 'file', ...content, pieces: pieces.toString('base64') }
const LIE = { ...LIST, pieces: contentOf(Buffer.alloc(2 * MiB + 5, 'other')).pieces.toString('base64') }

/** An owner that gives each answer in turn, and then the last one again and again. */
async function ownerThat (t: Scope, ...answers: Array<object | 'silence' | 'hangs up'>): Promise<Owner> {
  let asked = 0
  const { port } = await listen(t, (socket) => {
    createInterface({ input: socket }).on('error', () => {}).on('line', () => {
      const answer = answers[Math.min(asked++, answers.length - 1)]
      if (answer === 'hangs up') socket.destroy()
      else if (answer !== 'silence') socket.write(`${JSON.stringify(answer)}\n`)
    })
  })
  return ownerAt(port)
}

function ownerAt (inputPort: number): Owner {
  return { name: 'NodeA', host: HOST, inputPort, outputPort: 1, complete: true }
}

interface Tracker {
  /** What it says each time it is asked, the last again and again. */
  says: Array<Owner[] | ErrorCode>
  deadlines?: Partial<Deadlines>
}

async function find (owners: Owner[], { says, deadlines }: Tracker): Promise<{ asked: number, found: Found }> {
  let asked = 0
  const of = (owners: Owner[]): Found => ({ filename: 'file', ...content, owners })
  const list = await findPieceList({ found: of(owners), signal: AbortSignal.timeout(20_000), onAsking: () => {} }, {
    deadlines: { ...DEADLINES, ...deadlines },
    findOwners: async () => {
      const answer = says[Math.min(asked++, says.length - 1)] ?? []
      if (typeof answer === 'string') throw new PiecemealError(answer, answer)
      return of(answer)
    },
  })
  if (!list.pieces?.equals(pieces)) throw new Error('another list')
  return { asked, found: list.found }
}

// They wait far more than they work.
void t.test('how patiently the list is asked for', { jobs: 6 }, async (t) => {
  void t.test('an owner that is away for a while', async (t) => {
    const owner = await ownerThat(t, 'hangs up', 'hangs up', 'silence', LIST)
    t.match(await find([owner], { says: [[owner]], deadlines: { messageMs: 200 } }), { asked: 3 })
  })

  void t.test('a tracker that is away meanwhile', async (t) => {
    const owner = await ownerThat(t, 'hangs up', LIST)
    await t.resolves(find([owner], { says: ['E_TRACKER'] }))
  })

  void t.test('another one that came meanwhile', async (t) => {
    const owner = await ownerThat(t, LIST)
    t.match(await find([ownerAt(await deadPort())], { says: [[owner]] }), { found: { owners: [owner] } })
  })

  void t.test('nobody is listed any more: those that were are asked for a while', async (t) => {
    const owner = await ownerThat(t, 'hangs up', LIST)
    await t.resolves(find([owner], { says: ['E_NO_OWNER'] }))
    const dead = ownerAt(await deadPort())
    await t.rejects(find([dead], { says: ['E_NO_OWNER'], deadlines: { ownerWaitMs: 1_000 } }), { code: 'E_NO_OWNER' })
  })

  void t.test('as long as it is listed, until there is no patience left', async (t) => {
    const dead = ownerAt(await deadPort())
    await t.rejects(find([dead], { says: [[dead]], deadlines: { giveUpMs: 1_000 } }), { code: 'E_NETWORK' })
  })

  void t.test('a lie or a refusal is final once the tracker was asked again, but not beside an owner that may answer yet', async (t) => {
    const refusal = { type: 'SizeInformation', error: { code: 'E_NOT_SHARED', message: 'no' } }
    for (const [answer, code] of [[LIE, 'E_DIGEST'], [refusal, 'E_NOT_SHARED']] as const) {
      const bad = await ownerThat(t, answer)
      await t.rejects(find([bad], { says: [[bad]] }), { code })
      await t.rejects(find([bad], { says: ['E_NO_OWNER'] }), { code })
      const slow = await ownerThat(t, 'hangs up', 'hangs up', LIST)
      await t.resolves(find([bad, slow], { says: [[bad, slow]] }))
    }
  })
})
