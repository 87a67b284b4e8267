import t from 'tap'
import { Silence } from '../../lib/part/silence.js'

const DEADLINES = { connectMs: 5_000, firstLineMs: 10_000, dataStallMs: 15_000 }

/** Looks ten times a second, for so long. */
function listen (clock: { ms: number }, silence: Silence, ms: number): void {
  for (let passedMs = 0; passedMs < ms; passedMs += 100) {
    clock.ms += 100
    silence.look()
  }
}

void t.test('each phase has its deadline', async (t) => {
  const clock = { ms: 0 }
  const silence = new Silence({ deadlines: DEADLINES, lookMs: 100, now: () => clock.ms })
  for (const [phase, ms] of [['connecting', 5_000], ['waiting', 10_000], ['receiving', 15_000]] as const) {
    silence.enter(phase)
    listen(clock, silence, ms)
    t.equal(silence.brokenDeadlineMs, undefined, phase)
    listen(clock, silence, 100)
    t.equal(silence.brokenDeadlineMs, ms, phase)
  }
  silence.restart()
  t.equal(silence.brokenDeadlineMs, undefined)
})

void t.test('what this thread did not hear is no silence', async (t) => {
  const clock = { ms: 0 }
  const silence = new Silence({ deadlines: DEADLINES, lookMs: 100, now: () => clock.ms })
  silence.enter('receiving')
  listen(clock, silence, 14_000)
  t.equal(silence.longStillMs, undefined)
  clock.ms += 60_000
  silence.look()
  t.equal(silence.brokenDeadlineMs, undefined)
  t.equal(silence.longStillMs, 59_900)
  listen(clock, silence, 2_000)
  t.equal(silence.brokenDeadlineMs, 15_000)
})
