/** What stands between a tracker and its Redis: a way that can be long, or not there at all. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Scope } from '../helpers/command.js'
import type { RedisServer } from './redis-server.js'

export class RedisProxy {
  /** In each direction. */
  delayMs = 0
  readonly #redis: RedisServer
  readonly #server = createServer((near) => this.#join(near))
  readonly #sockets = new Set<Socket>()
  #isParted = false

  constructor (redis: RedisServer) {
    this.#redis = redis
  }

  async start (): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  get url (): string {
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Whoever comes this way is cut off, and stays so. */
  part (): void {
    this.#isParted = true
    for (const socket of this.#sockets) socket.destroy()
  }

  heal (): void {
    this.#isParted = false
  }

  close (): void {
    this.part()
    this.#server.close()
  }

  #join (near: Socket): void {
    if (this.#isParted) {
      near.destroy()
      return
    }
    const far = connect(this.#redis.socket)
    for (const [from, to] of [[near, far], [far, near]] as const) {
      this.#sockets.add(from)
      from.on('error', () => {})
      from.on('close', () => {
        this.#sockets.delete(from)
        to.destroy()
      })
      from.on('data', (chunk) => {
        if (this.delayMs === 0) to.write(chunk)
        else void sleep(this.delayMs, undefined, { ref: false }).then(() => to.write(chunk))
      })
    }
  }
}

export async function startProxy (t: Scope, redis: RedisServer): Promise<RedisProxy> {
  const proxy = new RedisProxy(redis)
  t.teardown(() => proxy.close())
  await proxy.start()
  return proxy
}
