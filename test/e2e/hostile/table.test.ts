/**
 * What strangers send to the three ports, one row a kind, while honest downloads run beside it: those
 * hardly notice, nothing crashes, and memory, descriptors and threads are as before.
 */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { firstDifference, visibleFiles } from '../../helpers/files.js'
import { complaints } from '../../helpers/piecemeal.js'
import { MiB } from '../../../lib/protocol/units.js'
import { PORTS, repeat } from './messages.js'
import { CLOSED_WITHIN_MS, isClosedWithin, open, options, sendRows, Siege, talk, until } from './strangers.js'

/** At each port at once. */
const FLOODS = 4
const UNKNOWN_PER_ADDRESS = 64
const IDLE_CONNECTIONS = 5_000
const IDLE_BATCH = 100

void t.test('whatever strangers send, honest downloads hardly notice', options, async (t) => {
  const siege = await Siege.begin(t)
  const { ports, fetcher, victim } = siege.setting

  await t.test('the table', async (t) => {
    await siege.beside(t, async () => { await Promise.all(PORTS.map(async (port) => await sendRows(t, port, async () => open(ports[port])))) })
  })

  await t.test('floods of the shortest bad lines', async (t) => {
    await siege.beside(t, async () => {
      const answers = await Promise.all(PORTS.flatMap((port) => Array.from({ length: FLOODS }, async () => await talk(ports[port], repeat(Buffer.alloc(MiB, '\n'), 4), false))))
      t.ok(answers.every(({ isClosed }) => isClosed), 'all are closed')
      t.ok(answers.every(({ text }) => text.split('\n').length <= 2), 'with one answer at most')
    })
  })

  await t.test(`${IDLE_CONNECTIONS} idle connections`, async (t) => {
    let sockets: Socket[] = []
    t.teardown(() => { for (const socket of sockets) socket.destroy() })
    await siege.beside(t, async () => { sockets = (await Promise.all(PORTS.map(async (port) => await openIdle(ports[port])))).flat() })
    await siege.beside(t, async () => {
      const open = (): number => sockets.filter((socket) => !socket.closed).length
      await until(() => open() <= PORTS.length * UNKNOWN_PER_ADDRESS, 'only 64 of one address stay at each port', 5_000, () => String(open()))
    })
  })

  await t.test('nothing is left of anybody, and what was saved beside it is right', async (t) => {
    await siege.isOver(CLOSED_WITHIN_MS)
    for (const process of siege.processes) t.equal(complaints(process), '')
    const files = await visibleFiles(fetcher.folder)
    t.ok(files.length > 6)
    for (const file of files) t.equal(await firstDifference(join(fetcher.folder, file), join(victim.folder, file)), undefined, `${file} is right`)
    t.equal(await fetcher.leave(), 0)
    t.equal(await victim.leave(), 0)
  })
})

async function openIdle (port: number): Promise<Socket[]> {
  const sockets: Socket[] = []
  while (sockets.length < IDLE_CONNECTIONS / PORTS.length) {
    const batch = Array.from({ length: IDLE_BATCH }, () => open(port).resume())
    await Promise.all(batch.map(async (socket) => await Promise.race([once(socket, 'connect'), isClosedWithin(socket, CLOSED_WITHIN_MS)])))
    sockets.push(...batch)
  }
  return sockets
}
