/** A plain TCP proxy on the loopback that keeps every byte of both directions: what somebody on the wire would see. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Scope } from './command.js'

export class Recorder {
  readonly #seen: Buffer[] = []

  get bytes (): Buffer {
    return Buffer.concat(this.#seen)
  }

  /** Stands before `host:port`. @returns the port that it listens on, on 127.0.0.1 */
  async standBefore (t: Scope, to: { host: string, port: number }, port = 0): Promise<number> {
    const sockets = new Set<Socket>()
    const server = createServer((near) => {
      const far = connect(to)
      for (const [from, other] of [[near, far], [far, near]] as const) {
        sockets.add(from)
        from.on('error', () => {})
        from.on('data', (chunk: Buffer) => {
          this.#seen.push(chunk)
          if (!other.write(chunk)) from.pause()
        })
        other.on('drain', () => from.resume())
        from.once('end', () => other.end())
        from.once('close', () => other.destroySoon())
      }
    })
    server.listen(port, '127.0.0.1')
    t.teardown(() => {
      server.close()
      for (const socket of sockets) socket.destroy()
    })
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
}
