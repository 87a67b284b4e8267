import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { Activity, type Task } from '../../lib/node/activity.js'
import type { Waiting } from '../../lib/download/waiting.js'
import type { ProgressEvent } from '../../lib/node/events.js'
import { PiecemealError } from '../../lib/protocol/errors.js'

interface Scene {
  activity: Activity
  clock: { ms: number }
  progress: ProgressEvent[]
  waiting: Waiting[]
}

function begin (): Scene {
  const clock = { ms: 0 }
  const progress: ProgressEvent[] = []
  const waiting: Waiting[] = []
  const activity = new Activity({ onProgress: (event) => progress.push(event), onWaiting: (event) => waiting.push(event), now: () => clock.ms })
  return { activity, clock, progress, waiting }
}

/** Work that goes on until it is stopped. */
async function untilStopped ({ signal }: Task): Promise<never> {
  return await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new PiecemealError('E_INTERRUPTED', 'stopped'))))
}

await t.test('progress is told five times a second, waiting every ten seconds, and each in the status', async (t) => {
  const { activity, clock, progress, waiting } = begin()
  const owner = { file: 'a', for: 'owner', owners: ['NodeA'] } as const
  await activity.download('a', async (task) => {
    for (let i = 0; i <= 10; i++) {
      clock.ms = i * 100
      task.reach(i * 10, 200)
    }
    t.strictSame(progress.map(({ bytes }) => bytes), [0, 20, 40, 60, 80, 100])
    t.strictSame(progress.at(-1), { task: 'download', file: 'a', bytes: 100, size: 200, rate: 100 })
    t.strictSame(activity.fetching, [{ file: 'a', bytes: 100, size: 200, rate: 100 }])
    for (let s = 0; s <= 25; s++) {
      clock.ms = 1_000 + s * 1_000
      task.reach(100, 200)
      task.wait({ ...owner, owners: ['NodeA'], seconds: s })
    }
    t.strictSame(waiting.map(({ seconds }) => seconds), [0, 10, 20])
    t.match(activity.fetching, [{ file: 'a', waitingFor: { for: 'owner', owners: ['NodeA'], seconds: 25 } }])
    t.notOk('file' in (activity.fetching[0]?.waitingFor ?? {}))
    task.wait(undefined)
    t.equal(activity.fetching[0]?.waitingFor, undefined, 'it goes on')
    task.wait({ ...owner, owners: ['NodeA'], seconds: 5 })
    t.equal(waiting.length, 4, 'the next time it waits is told at once')
    task.reach(101, 200)
    t.equal(activity.fetching[0]?.waitingFor, undefined, 'a byte has come')
  })
  t.strictSame(activity.fetching, [])
})

await t.test('one download of a file at a time, eight at once', async (t) => {
  const { activity } = begin()
  const names = Array.from({ length: 9 }, (_, i) => `file-${i}`)
  const begun: string[] = []
  const ended = names.map(async (name) => await activity.download(name, async (task) => {
    begun.push(name)
    return await untilStopped(task)
  }).catch(({ code }: PiecemealError) => code))
  await t.rejects(activity.download('file-0', untilStopped), { code: 'E_IN_PROGRESS' })
  t.strictSame(begun, names.slice(0, 8))
  t.equal(activity.fetching.length, 9)
  await activity.cancel('file-8', async () => {})
  t.equal(await ended[8], 'E_INTERRUPTED', 'one that waits for its turn is ended without it')
  await activity.stop()
  t.strictSame(await Promise.all(ended), Array(9).fill('E_INTERRUPTED'))
  t.strictSame(begun, names.slice(0, 8))
})

await t.test('after one that is saved, and is being remembered, the next waits instead of failing', async (t) => {
  const { activity } = begin()
  let remembered = (): void => {}
  const first = activity.download('a', async (task) => {
    task.isSaved = true
    await new Promise<void>((resolve) => { remembered = resolve })
    return 'first'
  })
  const [second, third] = ['second', 'third'].map(async () => await activity.download('a', untilStopped).catch(({ code }: PiecemealError) => code))
  await setImmediate()
  remembered()
  t.equal(await first, 'first')
  t.equal(await third, 'E_IN_PROGRESS', 'but one alone')
  await activity.stop()
  await second
})

await t.test('a cancelled download counts as one until what comes after is done', async (t) => {
  const { activity } = begin()
  const cancelled = t.rejects(activity.download('a', untilStopped), { code: 'E_INTERRUPTED', message: /"a" was cancelled/ })
  const other = activity.download('b', untilStopped)
  const after = await activity.cancel('a', async () => {
    await t.rejects(activity.download('a', untilStopped), { code: 'E_IN_PROGRESS' })
    return 'done'
  })
  t.equal(after, 'done')
  await cancelled
  t.strictSame(activity.fetching.map(({ file }) => file), ['b'], 'the other goes on')
  t.equal(await activity.download('a', async () => await Promise.resolve('again')), 'again')
  await t.rejects(activity.cancel('c', async () => { throw new Error('after') }), { message: 'after' }, 'also where nothing runs')
  const failing = t.rejects(activity.cancel('b', async () => { throw new Error('after') }), { message: 'after' }, 'which is told to who cancels')
  await t.rejects(other, { code: 'E_INTERRUPTED' })
  await failing
})

await t.test('what begins after the end does nothing', async (t) => {
  const { activity } = begin()
  await activity.stop()
  for (const begin of ['digest', 'download'] as const) {
    await t.rejects(activity[begin]('a', async () => { t.fail('it began') }), { code: 'E_INTERRUPTED' })
  }
})
