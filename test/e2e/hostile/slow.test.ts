/** Strangers that hold a connection open and never say enough, or never read: they are cut off by the clock, and honest downloads hardly notice. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import t, { type Test } from 'tap'
import { complaints } from '../../helpers/piecemeal.js'
import { DEADLINES } from '../../../lib/protocol/limits.js'
import { line, PORTS, tracker, type Port } from './messages.js'
import { HONEST_BYTES, isClosedWithin, open, options, Siege, talk } from './strangers.js'

/** Where the slow ones come from: a flood from one address pushes out those of that address. */
const SLOW_ADDRESS = '127.0.0.2'
/** The longest of the deadlines is `dataStallMs`. */
const ALL_CUT_WITHIN_MS = DEADLINES.dataStallMs + 5_000

/** Those that keep the connection open and never say enough; the server has to end it by its clock. */
const SLOW: Array<{ name: string, ports: readonly Port[], isAnswered?: boolean, go: (socket: Socket, port: Port) => void }> = [
  { name: 'says nothing', ports: PORTS, go: () => {} },
  { name: 'sends a byte every 100 ms', ports: PORTS, go: (socket, port) => drip(socket, line(port, { filename: `"${'x'.repeat(200)}"` })) },
  { name: 'begins a line and waits', ports: PORTS, go: (socket, port) => { socket.write(line(port)) } },
  {
    name: 'says one good line and drips the next',
    ports: ['tracker', 'input'],
    go: (socket, port) => {
      socket.write(`${line(port, { name: '"dripper"' })}\n`)
      drip(socket, line(port, { filename: `"${'x'.repeat(200)}"` }))
    },
  },
  {
    // It was answered and has no further say, but for its side of the connection it could keep.
    name: 'goes on and on after the answer',
    ports: ['output'],
    isAnswered: true,
    go: (socket, port) => {
      socket.write(`${line(port)}\n`)
      drip(socket, 'x'.repeat(1_000))
    },
  },
]

void t.test('whoever wastes a connection loses it', options, async (t) => {
  const siege = await Siege.begin(t)
  const { ports } = siege.setting
  const begunMs = performance.now()
  const slow = beginSlow(t, ports)
  const deaf = beginDeaf(t, ports)
  await siege.beside(t, async () => {})

  await t.test('slow ones are cut off by an absolute deadline', async (t) => {
    const { firstLineMs, dataStallMs } = DEADLINES
    for (const { name, port, isAnswered, ms } of await slow) {
      // The clock is looked at once a second; this process and the others may be busy.
      const [leastMs, mostMs] = isAnswered ? [0, dataStallMs + 2_000] : [firstLineMs - 1_000, firstLineMs + 5_000]
      t.ok(ms >= leastMs && ms <= mostMs, `${port}: who ${name} is cut off`, { ms })
    }
  })

  await t.test('those that never read are cut off, and nothing is left of anybody', async (t) => {
    await siege.isOver(Math.max(begunMs + ALL_CUT_WITHIN_MS - performance.now(), 1_000))
    for (const socket of await deaf) socket.destroy()
    await siege.beside(t, async () => {})
    for (const process of siege.processes) t.equal(complaints(process), '')
  })
})

/** How long each of the slow ones was let. */
async function beginSlow (t: Test, ports: Record<Port, number>): Promise<Array<{ name: string, port: Port, isAnswered: boolean, ms: number }>> {
  return await Promise.all(SLOW.flatMap(({ name, ports: itsPorts, isAnswered = false, go }) => itsPorts.map(async (port) => {
    const socket = open(ports[port], { localAddress: SLOW_ADDRESS, allowHalfOpen: isAnswered })
    t.teardown(() => socket.destroy())
    socket.resume()
    await once(socket, 'connect')
    const begunMs = performance.now()
    go(socket, port)
    await isClosedWithin(socket, ALL_CUT_WITHIN_MS)
    return { name, port, isAnswered, ms: performance.now() - begunMs }
  })))
}

function drip (socket: Socket, text: string): void {
  const bytes = Buffer.from(text)
  let sent = 0
  const timer = setInterval(() => { socket.write(bytes.subarray(sent, ++sent)) }, 100)
  socket.once('close', () => clearInterval(timer))
}

/** Those that ask for much more than fits into any buffer of the system's, and read nothing of it. */
async function beginDeaf (t: Test, ports: Record<Port, number>): Promise<Socket[]> {
  const haves = Array.from({ length: 300 }, (_, i) => `${tracker({ name: '"deaf"', filename: `"${i}${'x'.repeat(200)}"` })}\n`)
  const list = `${tracker({ name: '"deaf"', mode: '"list"' })}\n`
  const shared = (port: Port, fields = {}): string => `${line(port, { filename: '"constructor"', digest: undefined, ...fields })}\n`
  const digest = await digestOfShare(ports.input)
  const requests: Record<Port, string> = {
    tracker: haves.join('') + list.repeat(300),
    input: shared('input').repeat(20_000),
    output: shared('output', { digest: JSON.stringify(digest), range: `[0,${HONEST_BYTES}]` }),
  }
  return await Promise.all(PORTS.map(async (port) => {
    const socket = open(ports[port], { localAddress: SLOW_ADDRESS })
    t.teardown(() => socket.destroy())
    await once(socket, 'connect')
    socket.pause()
    socket.write(requests[port])
    return socket
  }))
}

async function digestOfShare (inputPort: number): Promise<string> {
  const { text } = await talk(inputPort, [line('input', { filename: '"constructor"', digest: undefined }), '\n'], true)
  return (JSON.parse(text) as { digest: string }).digest
}
