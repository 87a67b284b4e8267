/** A download that has stepped aside: one question at a time over one connection, until an owner answers or there is a new one. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isWorthAnotherTry } from '../protocol/blame.js'
import { toPiecemealError } from '../protocol/errors.js'

export interface StandbyOptions {
  /** What to ask: a question for each owner that has what is missing, as far as is known now. */
  questions: () => Array<() => Promise<unknown>>
  signal: AbortSignal
}

const FIRST_PAUSE_MS = 500
const LAST_PAUSE_MS = 10_000

/** Ends when an owner answers, or when it is aborted. A refusal is an answer, too. */
export async function untilSomebodyAnswers ({ questions, signal }: StandbyOptions): Promise<void> {
  let turn = 0
  const isOver = new Promise<boolean>((resolve) => signal.addEventListener('abort', () => resolve(true), { once: true }))
  for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(LAST_PAUSE_MS, 2 * pauseMs)) {
    const all = questions()
    const ask = all[turn++ % Math.max(1, all.length)]
    if (ask && await Promise.race([hasAnswered(ask()), isOver])) return
    await sleep(pauseMs, undefined, { signal }).catch(() => {
      // Aborted: the loop sees it.
    })
  }
}

async function hasAnswered (question: Promise<unknown>): Promise<boolean> {
  try {
    await question
    return true
  } catch (error) {
    const { code } = toPiecemealError(error)
    return code !== 'E_INTERRUPTED' && !isWorthAnotherTry(code)
  }
}
