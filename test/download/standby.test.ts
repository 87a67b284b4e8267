import { once } from 'node:events'
import t from 'tap'
import { untilSomebodyAnswers } from '../../lib/download/standby.js'
import { PiecemealError, type ErrorCode } from '../../lib/protocol/errors.js'

function failing (code: ErrorCode): () => Promise<never> {
  return async () => await Promise.reject(new PiecemealError(code, code))
}

const { signal } = new AbortController()

void t.test('one after the other, until one answers', async (t) => {
  const asked: string[] = []
  const questions = ['A', 'B'].map((name) => async () => {
    asked.push(name)
    if (name === 'A') throw new PiecemealError('E_TIMEOUT', 'no')
  })
  await untilSomebodyAnswers({ questions: () => questions, signal })
  t.strictSame(asked, ['A', 'B'])
})

void t.test('a refusal is an answer', async () => {
  await untilSomebodyAnswers({ questions: () => [failing('E_NOT_SHARED')], signal })
})

void t.test('whoever comes is asked, too', async (t) => {
  let rounds = 0
  await untilSomebodyAnswers({ questions: () => ++rounds < 2 ? [] : [async () => {}], signal })
  t.equal(rounds, 2)
})

void t.test('it ends when it is aborted, in the middle of a question or of a pause', async () => {
  for (const question of [async () => { await once(new EventTarget(), 'never') }, failing('E_NETWORK')]) {
    const ending = new AbortController()
    const over = untilSomebodyAnswers({ questions: () => [question], signal: ending.signal })
    setImmediate(() => ending.abort())
    await over
  }
})
