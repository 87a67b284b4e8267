/** nginx on free ports of the loopback, or of a host of a network, with everything it writes in a folder of the benchmark's. */
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from '../demo/command.js'
import type { Stage } from '../demo/stage.js'
import type { Host } from '../helpers/network.js'
import { freePorts } from './ports.js'
import { most, peakBytes, processorSeconds, sum } from './processes.js'

const LOOPBACK = '127.0.0.1'
const READY_MS = 50
const TRIES = 100

export interface NginxOptions {
  /** Of its folder. */
  name: string
  /** One worker each. */
  ports: number
  /** The folder that it serves. */
  root: string
  /** Where it runs; otherwise on the loopback. */
  host?: Host
  /** @default true */
  usesSendfile?: boolean
  /** Of each worker. @default its own 512 */
  connections?: number
}

export class Nginx {
  /** `http://HOST:PORT` of each of the ports. */
  readonly origins: string[] = []
  readonly #stage: Stage
  readonly #options: NginxOptions
  #command: Command | undefined

  constructor (stage: Stage, options: NginxOptions) {
    this.#stage = stage
    this.#options = options
  }

  async start (): Promise<void> {
    const { name, ports: count, host } = this.#options
    const folder = join(this.#stage.folder, name)
    await mkdir(folder)
    const ports = await freePorts(count)
    await writeFile(join(folder, 'nginx.conf'), configuration(ports, host?.address ?? LOOPBACK, this.#options))
    const argv = ['nginx', '-p', folder, '-c', 'nginx.conf', '-e', 'error.log', '-g', 'daemon off;'] as const
    this.#command = this.#stage.start(host?.argv(argv) ?? argv)
    for (const port of ports) {
      const origin = `http://${host?.address ?? LOOPBACK}:${port}`
      await this.#untilServing(async () => host?.isListening(port) ?? await this.#answers(origin))
      this.origins.push(origin)
    }
  }

  /** Processor seconds of its workers so far. */
  used (): number | undefined {
    return sum(workers(this.#command?.pid).map(processorSeconds))
  }

  /** The most memory that any one of its workers has had. */
  peakBytes (): number | undefined {
    return most(workers(this.#command?.pid).map((pid) => pid === undefined ? undefined : peakBytes(pid)))
  }

  async #untilServing (isServing: () => Promise<boolean>): Promise<void> {
    for (let i = 0; i < TRIES; i++) {
      if (this.#command?.hasExited) throw new Error('nginx did not start')
      if (await isServing()) return
      await sleep(READY_MS, undefined, { signal: this.#stage.signal })
    }
    throw new Error('nginx does not serve')
  }

  /** A worker does: the port alone listens before there is one. */
  async #answers (origin: string): Promise<boolean> {
    return await fetch(origin, { method: 'HEAD', signal: this.#stage.signal }).then(() => true, () => false)
  }
}

function configuration (ports: readonly number[], address: string, { root, usesSendfile = true, connections }: NginxOptions): string {
  // Started by root, its workers would be somebody who may not read our folder.
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`).join(' ')
  return `${user}
worker_processes ${ports.length};
pid nginx.pid;
events {${connections === undefined ? '' : ` worker_connections ${connections}; `}}
${connections === undefined ? '' : `worker_rlimit_nofile ${2 * connections};`}
http {
  access_log off;
  ${temporary}
  sendfile ${usesSendfile ? 'on' : 'off'};
  server {
    ${ports.map((port) => `listen ${address}:${port} reuseport;`).join(' ')}
    root "${root}";
  }
}
`
}

function workers (pid: number | undefined): Array<number | undefined> {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number)
  } catch {
    return [undefined]
  }
}
