/** Ports for tests that have to name one before anybody listens on it. */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import type { Scope } from './command.js'

/**
 * Below the range that the kernel takes ports from by itself: there, another connection may have
 * the port by the time it is used, and a client that keeps trying a port where nobody listens may
 * even end up connected to itself.
 */
const FIRST = 10_000
const COUNT = 20_000
/** Test processes that run side by side begin to look at different places. */
let next = (process.pid * 61) % COUNT

/** A port that nobody listens on. */
export async function freePort (): Promise<number> {
  for (;;) {
    const port = FIRST + (next++ % COUNT)
    const server = createServer()
    try {
      await listen(server, port)
    } catch {
      continue
    }
    server.close()
    await once(server, 'close')
    return port
  }
}

/** A port that somebody else listens on, until the test ends. */
export async function takenPort (t: Scope): Promise<number> {
  const server = createServer((socket) => socket.destroy())
  await listen(server, 0)
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

async function listen (server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
}
