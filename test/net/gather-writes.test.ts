import { once } from 'node:events'
import type { Socket } from 'node:net'
import { Duplex, Writable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { gatherWrites } from '../../lib/net/gather-writes.js'
import { LineClient } from '../../lib/net/line-client.js'

await t.test('what is written in one turn of the event loop leaves in one write', async (t) => {
  const writes: number[] = []
  const stream = new Writable({ writev: (chunks, done) => { writes.push(chunks.length); done() } })
  for (const lines of [2, 3]) {
    for (let line = 0; line < lines; line++) {
      gatherWrites(stream)
      stream.write('line\n')
      await new Promise<void>((resolve) => process.nextTick(resolve))
    }
    await turn()
  }
  t.strictSame(writes, [2, 3])
})

await t.test('a stream that ends in that turn has all of it', async (t) => {
  const stream = new Writable({ writev: (chunks, done) => { t.equal(chunks.length, 2); done() } })
  gatherWrites(stream)
  stream.write('line\n')
  stream.end('line\n')
  await once(stream, 'finish')
  await turn()
})

await t.test('requests of one turn', async (t) => {
  const writes: string[] = []
  const socket = new Duplex({
    read () {},
    writev: (chunks, done) => { writes.push(chunks.map(({ chunk }) => String(chunk)).join('')); done() },
  })
  const client = new LineClient(socket as Socket, 'a test')
  const asked = Promise.all([1, 2].map(async (n) => await client.request({ n })))
  await turn()
  t.strictSame(writes, ['{"n":1}\n{"n":2}\n'])
  socket.push('{}\n{}\n')
  await asked
  client.close()
})
