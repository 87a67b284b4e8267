/** nginx on free ports of the loopback, with everything it writes in a folder of the benchmark's. */
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from '../demo/command.js'
import type { Arena } from './contestant.js'
import { freePorts } from './ports.js'
import { processorSeconds, sum } from './processes.js'

const READY_MS = 50
const TRIES = 100

export class Nginx {
  /** The file at each of the ports. */
  readonly urls: string[] = []
  readonly #arena: Arena
  readonly #name: string
  readonly #ports: number
  #command: Command | undefined

  constructor (arena: Arena, { name, ports }: { name: string, ports: number }) {
    this.#arena = arena
    this.#name = name
    this.#ports = ports
  }

  async start (): Promise<void> {
    const { stage, source } = this.#arena
    const folder = join(stage.folder, this.#name)
    await mkdir(folder)
    const ports = await freePorts(this.#ports)
    await writeFile(join(folder, 'nginx.conf'), configuration(ports, dirname(source)))
    this.#command = stage.start(['nginx', '-p', folder, '-c', 'nginx.conf', '-e', 'error.log', '-g', 'daemon off;'])
    for (const port of ports) {
      const url = `http://127.0.0.1:${port}/${basename(source)}`
      await this.#untilServing(url)
      this.urls.push(url)
    }
  }

  /** Processor seconds of its workers so far. */
  used (): number | undefined {
    return sum(workers(this.#command?.pid).map(processorSeconds))
  }

  /** A worker answers: the port alone listens before there is one. */
  async #untilServing (url: string): Promise<void> {
    for (let i = 0; i < TRIES; i++) {
      if (this.#command?.hasExited) throw new Error('nginx did not start')
      const { signal } = this.#arena.stage
      const response = await fetch(url, { method: 'HEAD', signal }).catch(() => undefined)
      if (response?.ok) return
      await sleep(READY_MS, undefined, { signal })
    }
    throw new Error('nginx does not serve')
  }
}

function configuration (ports: readonly number[], root: string): string {
  // Started by root, its workers would be somebody who may not read our folder.
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`).join(' ')
  return `${user}
worker_processes ${ports.length};
pid nginx.pid;
events {}
http {
  access_log off;
  ${temporary}
  sendfile on;
  server {
    ${ports.map((port) => `listen 127.0.0.1:${port} reuseport;`).join(' ')}
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
