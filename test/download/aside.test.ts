import t from 'tap'
import { Aside } from '../../lib/download/aside.js'
import { Standstill } from '../../lib/download/standstill.js'
import { DownloadTurns, type Turn } from '../../lib/download/turns.js'

const { signal } = new AbortController()

interface Setting {
  aside: Aside
  turn: Turn
  /** The owner answers. */
  answer: () => void
  /** Until it has a turn again. */
  back: Promise<void>
}

/** A download that has waited for its owner since 0, with the only turn there is. */
async function stuck (turns: DownloadTurns): Promise<Setting> {
  const turn = await turns.begin(signal)
  const standstill = new Standstill('file', 0)
  standstill.waits(() => ({ for: 'owner', owners: [] }))
  let answer = (): void => {}
  const question = new Promise<void>((resolve) => { answer = resolve })
  let onBack = (): void => {}
  const back = new Promise<void>((resolve) => { onBack = resolve })
  return { aside: new Aside({ turn, standstill, questions: () => [async () => await question], onBack }), turn, answer, back }
}

void t.test('it keeps its turn and its threads while nobody wants them, and for 5 s', async (t) => {
  const { aside, turn } = await stuck(new DownloadTurns(1, 8))
  t.notOk(aside.look(60_000, false))
  t.notOk(aside.look(4_999, true))
  t.ok(turn.isHeld)
})

void t.test('without a byte it gives them to others, and comes back when its owner answers and there is a turn', async (t) => {
  const turns = new DownloadTurns(1, 8)
  const { aside, turn, answer, back } = await stuck(turns)
  const other = turns.begin(signal)
  t.ok(aside.look(5_000, true), 'what runs is to end')
  t.notOk(aside.look(5_100, true), 'once')
  t.ok(aside.isAside)
  const held = await other
  answer()
  t.notOk(aside.isQueueing)
  await new Promise((resolve) => setImmediate(resolve))
  t.ok(aside.isQueueing)
  held.end()
  await back
  t.ok(turn.isHeld)
  t.notOk(aside.isAside)
})

void t.test('a turn that was given away elsewhere counts, too; a new owner brings it back', async (t) => {
  const { aside, turn, back } = await stuck(new DownloadTurns(1, 8))
  turn.stepAside()
  t.ok(aside.look(5_000, false))
  aside.cutShort()
  await back
  t.ok(turn.isHeld)
})

void t.test('closing it leaves nothing behind', async (t) => {
  const turns = new DownloadTurns(1, 8)
  const { aside, turn, answer } = await stuck(turns)
  const held = turns.begin(signal)
  aside.look(5_000, true)
  answer()
  await aside.close()
  await aside.close()
  turn.end()
  ;(await held).end()
  await t.resolves(turns.begin(signal))
})
