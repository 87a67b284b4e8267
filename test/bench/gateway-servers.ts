/** Servers of one folder of files over HTTP, which are asked by the same programs. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from '../demo/command.js'
import type { Stage } from '../demo/stage.js'
import type { Contestant, Measurement } from './contestant.js'
import { Nginx } from './nginx.js'
import { accepts, freePorts } from './ports.js'
import { difference, hintUnlessFound, peakBytes, processorSeconds, runToEnd, type Argv } from './processes.js'

export interface FileServer {
  readonly name: string
  available: () => string | undefined
  /** @returns what comes before a file's name */
  start: () => Promise<string>
  /** Processor seconds so far. */
  used: () => number | undefined
  /** The most memory that it has had. */
  peakBytes: () => number | undefined
}

export interface ServedMeasurement extends Measurement {
  serverPeakBytes: number | undefined
}

/** A program that asks a server. */
export class Asking implements Contestant<ServedMeasurement> {
  readonly name: string
  readonly targets = []
  readonly #stage: Stage
  readonly #server: FileServer
  readonly #argvFor: (prefix: string) => Argv | Promise<Argv>
  #argv: Argv | undefined

  constructor (stage: Stage, server: FileServer, argvFor: (prefix: string) => Argv | Promise<Argv>) {
    this.#stage = stage
    this.#server = server
    this.#argvFor = argvFor
    this.name = server.name
  }

  available (): string | undefined {
    return this.#server.available() ?? hintUnlessFound(['curl'], 'apt-get install curl')
  }

  async start (): Promise<void> {
    this.#argv = await this.#argvFor(await this.#server.start())
  }

  async run (): Promise<ServedMeasurement> {
    if (this.#argv === undefined) throw new Error('not started')
    const before = this.#server.used()
    const measurement = await runToEnd(this.#argv, this.#stage.signal)
    return { ...measurement, ownersProcessorSeconds: difference(this.#server.used(), before), serverPeakBytes: this.#server.peakBytes() }
  }
}

/** The gateway of a node that runs, and shares the files already. */
export class GatewayServer implements FileServer {
  readonly name = 'piecemeal, gateway'
  readonly #node: Command
  readonly #url: string

  constructor (node: Command, url: string) {
    this.#node = node
    this.#url = url
  }

  available (): undefined {
    return undefined
  }

  async start (): Promise<string> {
    return `${this.#url}files/`
  }

  used (): number | undefined {
    return processorSeconds(this.#node.pid)
  }

  peakBytes (): number | undefined {
    return peakBytes(this.#node.pid)
  }
}

/** For a thousand clients, and what it has open for each. */
const NGINX_CONNECTIONS = 4_096

export class NginxServer implements FileServer {
  readonly name: string
  readonly #nginx: Nginx
  #started: Promise<void> | undefined

  constructor (stage: Stage, root: string, { usesSendfile }: { usesSendfile: boolean }) {
    this.name = `nginx${usesSendfile ? '' : ', sendfile off'}`
    this.#nginx = new Nginx(stage, { name: `gateway-nginx-${usesSendfile ? 'on' : 'off'}`, ports: 1, root, usesSendfile, connections: NGINX_CONNECTIONS })
  }

  available (): string | undefined {
    return hintUnlessFound(['nginx'], 'apt-get install nginx')
  }

  async start (): Promise<string> {
    await (this.#started ??= this.#nginx.start())
    return `${this.#nginx.origins[0]}/`
  }

  used (): number | undefined {
    return this.#nginx.used()
  }

  peakBytes (): number | undefined {
    return this.#nginx.peakBytes()
  }
}

const READY_MS = 50

/** What comes with Python: a thread for each connection. */
export class PythonServer implements FileServer {
  readonly name = 'python3 -m http.server'
  readonly #stage: Stage
  readonly #root: string
  #command: Command | undefined
  #port = 0

  constructor (stage: Stage, root: string) {
    this.#stage = stage
    this.#root = root
  }

  available (): string | undefined {
    return hintUnlessFound(['python3'], 'apt-get install python3')
  }

  async start (): Promise<string> {
    if (this.#command === undefined) {
      const [port = 0] = await freePorts(1)
      this.#port = port
      // It tells of each request, which nobody is to read.
      this.#command = this.#stage.start(['sh', '-c', 'exec python3 -m http.server --bind 127.0.0.1 --directory "$0" "$1" 2> /dev/null', this.#root, String(port)])
      while (!await accepts(port)) {
        if (this.#command.hasExited) throw new Error('python3 -m http.server did not start')
        await sleep(READY_MS, undefined, { signal: this.#stage.signal })
      }
    }
    return `http://127.0.0.1:${this.#port}/`
  }

  used (): number | undefined {
    return processorSeconds(this.#command?.pid)
  }

  peakBytes (): number | undefined {
    return this.#command && peakBytes(this.#command.pid)
  }
}

/** A line a file, for `curl --config`. */
export function curlConfig (urls: readonly string[]): string {
  return urls.map((url) => `url = "${url}"\noutput = "/dev/null"\n`).join('')
}

/** Where `curl` puts nothing, so that the disk of whoever asks is not what is measured. */
export const CURL = ['curl', '--silent', '--show-error', '--fail'] as const

export function wholeOf (file: string): (prefix: string) => Argv {
  return (prefix) => [...CURL, '--output', '/dev/null', `${prefix}${file}`]
}

export function configPath (stage: Stage, server: FileServer): string {
  return join(stage.folder, `gateway-${server.name.replace(/\W+/g, '-')}.curl`)
}
