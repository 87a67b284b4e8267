import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import t from 'tap'
import { fromTaskResult, toTaskResult, type TaskResult } from '../../lib/threads/task-result.js'
import { PiecemealError } from '../../lib/protocol/errors.js'

/** As it goes from thread to thread, where classes are lost. */
function acrossThreads<T> (result: TaskResult<T>): TaskResult<T> {
  const { port1, port2 } = new MessageChannel()
  port1.postMessage(result)
  const { message } = receiveMessageOnPort(port2) as { message: TaskResult<T> }
  port1.close()
  return message
}

await t.test('a value comes through', async (t) => {
  t.equal(fromTaskResult(acrossThreads(await toTaskResult(() => 5))), 5)
  t.equal(fromTaskResult(acrossThreads(await toTaskResult(async () => await Promise.resolve('x')))), 'x')
})

await t.test('an error keeps its code and message', async (t) => {
  const result = acrossThreads(await toTaskResult(() => { throw new PiecemealError('E_DIGEST', 'wrong bytes') }))
  t.throws(() => fromTaskResult(result), { code: 'E_DIGEST', message: 'wrong bytes' })
  t.throws(() => fromTaskResult(result), PiecemealError)
  const foreign = acrossThreads(await toTaskResult(async () => await Promise.reject(new TypeError('oops'))))
  t.throws(() => fromTaskResult(foreign), { code: 'E_INTERNAL', message: 'oops' })
})
