import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import t from 'tap'
import { holdersOf, inodesOf } from '../../lib/command/port-holder.js'

await t.test('the holder of a port is named', async (t) => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  t.match(await holdersOf(port), [/\(pid \d+\)$/])
  t.match(await holdersOf(port), [`(pid ${process.pid})`])
  socket.close()
  await once(socket, 'close')
  t.strictSame(await holdersOf(port), [])
})

await t.test('a table that is none holds nothing', async (t) => {
  for (const table of ['', '\n', 'x\ny', 'head\n 1: 0100007F:14E9']) t.strictSame(inodesOf(table, 5_353), [])
})
