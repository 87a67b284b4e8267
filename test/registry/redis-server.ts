/** Real Redis servers for tests and the bench: each in a folder of its own, on a socket there, or on ports of the loopback for clusters. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { RedisClient } from '../../lib/registry/redis-client.js'
import { RedisRegistry, type RedisRegistryOptions } from '../../lib/registry/redis-registry.js'
import { parseRegistryAddress } from '../../lib/registry/registry-address.js'
import type { Scope } from '../helpers/command.js'
import { freePort } from '../helpers/ports.js'

/** False if tests can run a Redis, otherwise why they are skipped, for tap. A build server has to have it. */
export function withoutRedis (): string | false {
  if (spawnSync('redis-server', ['--version']).status === 0) return false
  if (process.env.CI === 'true') throw new Error('redis-server is missing, and no test of the registry can run: apt-get install redis-server')
  const hint = 'SKIPPED, all tests of the registry in Redis: apt-get install redis-server'
  process.stderr.write(`${hint}\n`)
  return hint
}

export class RedisServer {
  readonly folder: string
  readonly #arguments: string[]
  readonly port: number
  #process: ChildProcess | undefined

  /** @param port of the loopback; by default there is a socket and no port */
  constructor ({ port = 0, flags = [], isSentinel = false }: { port?: number, flags?: readonly string[], isSentinel?: boolean } = {}) {
    this.folder = mkdtempSync(join(tmpdir(), 'piecemeal-redis-'))
    this.port = port
    writeFileSync(join(this.folder, 'redis.conf'), '')
    this.#arguments = [
      join(this.folder, 'redis.conf'), ...(isSentinel ? ['--sentinel'] : []), '--port', String(port), '--bind', '127.0.0.1', '--unixsocket', this.socket, '--dir', this.folder,
      ...(isSentinel ? [] : ['--save', '', '--appendonly', 'no']), ...flags,
    ]
  }

  get socket (): string {
    return join(this.folder, 'redis.sock')
  }

  get url (): string {
    return this.port === 0 ? `unix:${this.socket}` : `redis://127.0.0.1:${this.port}`
  }

  get pid (): number {
    return this.#process?.pid ?? 0
  }

  async start (): Promise<void> {
    const child = spawn('redis-server', this.#arguments, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#process = child
    let log = ''
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => {
        log = (log + chunk.toString()).slice(-65_536)
        if (/eady to accept connections|Sentinel ID is/.test(log)) resolve()
      })
      child.once('error', reject)
      child.once('exit', () => reject(new Error(log)))
    })
  }

  signal (signal: NodeJS.Signals): void {
    this.#process?.kill(signal)
  }

  /** At once, as by `kill -9`; all data is lost. */
  async kill (): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  async close (): Promise<void> {
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }

  async client (): Promise<RedisClient> {
    const client = new RedisClient(parseRegistryAddress(this.url, { mayHavePassword: true }))
    await client.connect()
    return client
  }

  /** A command of a test's own. */
  async call (...words: [command: string, ...args: Array<string | number>]): Promise<unknown> {
    const client = await this.client()
    return await client.call(...words).finally(() => client.close())
  }

  /** All keys that begin so. */
  async keys (pattern: string): Promise<string[]> {
    return (await this.call('KEYS', pattern) as string[]).sort()
  }
}

export async function startRedis (t: Scope, options?: ConstructorParameters<typeof RedisServer>[0]): Promise<RedisServer> {
  const redis = new RedisServer(options)
  t.teardown(async () => await redis.close())
  await redis.start()
  return redis
}

/** A master, and a replica of it that a Sentinel makes the master half a second after that has died. */
export async function startWatchedRedis (t: Scope): Promise<{ master: RedisServer, replica: RedisServer, sentinel: RedisServer, url: string }> {
  const master = await startRedis(t, { port: await freePort(), flags: ['--repl-diskless-sync-delay', '0'] })
  const replica = await startRedis(t, { port: await freePort(), flags: ['--replicaof', `127.0.0.1 ${master.port}`] })
  const sentinel = await startRedis(t, { port: await freePort(), isSentinel: true })
  await until(async () => String(await replica.call('INFO', 'replication')).includes('master_link_status:up'))
  await sentinel.call('SENTINEL', 'MONITOR', 'main', '127.0.0.1', master.port, 1)
  await sentinel.call('SENTINEL', 'SET', 'main', 'down-after-milliseconds', 500)
  await sentinel.call('SENTINEL', 'SET', 'main', 'failover-timeout', 3_000)
  await until(async () => (await sentinel.call('SENTINEL', 'REPLICAS', 'main') as unknown[]).length === 1)
  return { master, replica, sentinel, url: `redis+sentinel://127.0.0.1:${sentinel.port}/main` }
}

/** A tracker's registry, without the tracker. Closed when the test ends. */
export async function openOn (t: Scope, url: string, options: Partial<RedisRegistryOptions> = {}): Promise<RedisRegistry> {
  const client = options.client ?? new RedisClient(parseRegistryAddress(url, { mayHavePassword: true }))
  if (options.client === undefined) await client.connect()
  const registry = new RedisRegistry({ where: url, ...options, client })
  t.teardown(async () => await registry.close())
  await registry.open()
  return registry
}

/** Until something holds that no event tells of, because it happens in Redis. */
export async function until (holds: () => Promise<boolean>, mostMs = 15_000): Promise<void> {
  const endMs = performance.now() + mostMs
  while (!await holds()) {
    if (performance.now() > endMs) throw new Error('it does not come to that')
    await sleep(20)
  }
}
