import t from 'tap'
import { contentOf } from '../../lib/content/digest.js'
import { Offers } from '../../lib/node/offers.js'
import { PiecemealError } from '../../lib/protocol/errors.js'
import type { Share } from '../../lib/share/share-index.js'

const content = { filename: 'file', ...contentOf(Buffer.alloc(2_097_153, 'x')) }
const share: Share = { ...content, path: '/file', identity: { dev: 1n, ino: 1n, size: 2_097_153n, mtimeNs: 1n, ctimeNs: 1n } }
const run = { firstPiece: 1, endPiece: 2, path: '/part', originPiece: 1 }

/** What the thread and the tracker were told, in order. */
function offers (answer: () => Promise<unknown> = async () => await Promise.resolve({})): { told: string[], offers: Offers } {
  const told: string[] = []
  const tell = (what: string) => async (): Promise<undefined> => { told.push(what) }
  return {
    told,
    offers: new Offers({
      uploads: { add: tell('thread: add'), remove: tell('thread: remove'), addFolder: tell('thread: add folder'), removeFolder: tell('thread: remove folder'), lackOfFolder: tell('thread: lack'), gainOfFolder: tell('thread: gain'), place: tell('thread: place'), drop: tell('thread: drop') },
      tracker: () => ({
        ask: async (mode, question) => {
          told.push(`tracker: ${mode}${'complete' in question ? ' some' : ''}`)
          return await answer() as never
        },
      }),
      ports: () => ({ inputPort: 1, outputPort: 2 }),
      onError: (error) => { throw error },
    }),
  }
}

await t.test('piece by piece, then whole', async (t) => {
  const { told, offers: all } = offers()
  all.place(content, content.pieces, run)
  all.place(content, content.pieces, { ...run, firstPiece: 0, originPiece: 0 })
  t.strictSame(told.splice(0), ['tracker: have some', 'thread: place', 'thread: place'], 'the tracker is told once')
  t.equal(all.partials.get('file')?.have.size, 2)
  const { size, digest, pieceLength } = content
  t.strictSame(all.announcements, [{ filename: 'file', size, digest, pieceLength, inputPort: 1, outputPort: 2, complete: false }])

  t.equal(await all.add(share), true)
  t.strictSame(told.splice(0), ['thread: add', 'thread: drop', 'tracker: have'], 'never for a moment without')
  t.strictSame(all.announcements, [{ filename: 'file', size, digest, pieceLength, inputPort: 1, outputPort: 2 }])
  all.abandon('file')
  t.strictSame(told, [], 'there is nothing left to abandon')
  t.equal(all.remove(share), true)
  t.equal(all.remove(share), false)
  t.strictSame(told, ['thread: remove', 'tracker: exit'])
})

await t.test('who uploaded it, and what it replaces, is announced', async (t) => {
  const { offers: all } = offers()
  const replaces = [`blake3:${'0'.repeat(64)}`]
  all.place({ ...content, replaces }, content.pieces, run)
  t.match(all.announcements, [{ complete: false, replaces }])
  await all.add({ ...share, origin: true, replaces })
  t.match(all.announcements, [{ origin: true, replaces }])
  await all.add({ ...share, replaces: [] })
  t.notOk('origin' in (all.announcements[0] ?? {}))
  t.notOk('replaces' in (all.announcements[0] ?? {}))
})

await t.test('a piece that can\'t be read any more', async (t) => {
  const { told, offers: all } = offers()
  await all.add(share)
  told.splice(0)
  t.equal(all.lack({ ...share, digest: 'another' }, 0), false)
  t.equal(all.lack(share, 1), true)
  t.strictSame(told.splice(0), ['thread: add', 'tracker: have some'])
  t.strictSame([...all.shares.get('file').lacks ?? []], [1])
  t.match(all.announcements, [{ filename: 'file', complete: false }])
  t.equal(all.lack(share, 1), false, 'that one is known')
  t.equal(all.lack(share, 0), false)
  t.strictSame(told.splice(0), ['thread: add'], 'the tracker need not know which')
  t.equal(all.lack(share, 2), true)
  t.strictSame(told, ['thread: remove', 'tracker: exit'], 'there is nothing left')
})

await t.test('a download that fails is offered no more', async (t) => {
  const { told, offers: all } = offers()
  all.place(content, content.pieces, run)
  all.abandon('file')
  t.strictSame(told.slice(2), ['thread: drop', 'tracker: exit'])
  t.strictSame(all.announcements, [])
})

await t.test('a tracker that is away is told later, one that refuses is obeyed', async (t) => {
  const away = offers(async () => await Promise.reject(new PiecemealError('E_TRACKER', 'away')))
  t.equal(await away.offers.add(share), false)
  t.equal(away.offers.announcements.length, 1)
  const full = offers(async () => await Promise.reject(new PiecemealError('E_LIMIT', 'full')))
  await t.rejects(full.offers.add(share), { code: 'E_LIMIT' })
  t.strictSame(full.offers.announcements, [])
})

await t.test('whoever does not wait for the tracker goes on as soon as it has been told', async (t) => {
  const answers: Array<() => void> = []
  const { told, offers: all } = offers(async () => await new Promise((resolve) => answers.push(() => resolve({}))))
  const { announced } = await all.offer(share)
  t.strictSame(told, ['thread: add', 'tracker: have'])
  for (const answer of answers) answer()
  t.equal(await announced, true)
})
