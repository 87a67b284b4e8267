/** Programs that fetch the file from nginx over HTTP. */
import { basename, dirname, join } from 'node:path'
import type { Arena, Contestant, Measurement } from './contestant.js'
import { Nginx } from './nginx.js'
import { difference, hintUnlessFound, runToEnd } from './processes.js'

abstract class HttpContestant implements Contestant {
  readonly target: string
  protected readonly arena: Arena
  readonly #nginx: Nginx

  constructor (arena: Arena, readonly name: string, ports: number) {
    this.arena = arena
    const id = name.replace(/\W+/g, '-')
    this.target = join(arena.stage.folder, `${id}-target`)
    this.#nginx = new Nginx(arena, { name: `${id}-nginx`, ports })
  }

  abstract available (): string | undefined
  protected abstract argv (urls: readonly string[]): [string, ...string[]]

  async start (): Promise<void> {
    await this.#nginx.start()
  }

  async run (): Promise<Measurement> {
    const before = this.#nginx.used()
    const measurement = await runToEnd(this.argv(this.#nginx.urls), this.arena.stage.signal)
    return { ...measurement, ownersProcessorSeconds: difference(this.#nginx.used(), before) }
  }
}

/** One stream from one server; nothing is checked. */
export class Curl extends HttpContestant {
  constructor (arena: Arena) {
    super(arena, 'curl from nginx', 1)
  }

  available (): string | undefined {
    return hintUnlessFound(['nginx', 'curl'], 'apt-get install nginx curl')
  }

  protected argv ([url = '']: readonly string[]): [string, ...string[]] {
    return ['curl', '--silent', '--show-error', '--fail', '--output', this.target, url]
  }
}

/** Two streams from two servers; nothing is checked, or the whole file afterwards. */
export class Aria2 extends HttpContestant {
  readonly #isChecked: boolean

  constructor (arena: Arena, { isChecked }: { isChecked: boolean }) {
    super(arena, isChecked ? 'aria2c --checksum, 2 nginx' : 'aria2c, 2 nginx', 2)
    this.#isChecked = isChecked
  }

  available (): string | undefined {
    return hintUnlessFound(['nginx', 'aria2c'], 'apt-get install nginx aria2')
  }

  protected argv (urls: readonly string[]): [string, ...string[]] {
    return [
      'aria2c', '--no-conf', '--quiet', '--file-allocation=none', '--max-connection-per-server=1', `--split=${urls.length}`, '--min-split-size=1M',
      ...(this.#isChecked ? [`--checksum=sha-256=${this.arena.sha256}`] : []),
      '--dir', dirname(this.target), '--out', basename(this.target), ...urls,
    ]
  }
}
