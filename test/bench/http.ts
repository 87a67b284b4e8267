/** Programs that fetch the file from nginx over HTTP. */
import { basename, dirname, join } from 'node:path'
import type { Arena } from './arena.js'
import type { Contestant, Measurement } from './contestant.js'
import { Nginx } from './nginx.js'
import { difference, hintUnlessFound, runAllToEnd, thenSync, type Argv } from './processes.js'

/** aria2 from nginx, whatever it fetches. */
export const ARIA2 = {
  available: (): string | undefined => hintUnlessFound(['nginx', 'aria2c'], 'apt-get install nginx aria2'),
  argv: ['aria2c', '--no-conf', '--quiet', '--file-allocation=none'] as const,
}

abstract class HttpContestant implements Contestant {
  readonly targets: readonly string[]
  protected readonly arena: Arena
  readonly #nginx: Nginx

  readonly #isSynced: boolean

  constructor (arena: Arena, readonly name: string, { ports, downloaders = 1, isSynced = false, folder = arena.stage.folder }: { ports: number, downloaders?: number, isSynced?: boolean, folder?: string }) {
    this.arena = arena
    const id = name.replace(/\W+/g, '-')
    this.targets = Array.from({ length: downloaders }, (_, i) => join(folder, `${id}-target-${i + 1}`))
    this.#isSynced = isSynced
    this.#nginx = new Nginx(arena.stage, { name: `${id}-nginx`, ports, root: dirname(arena.source) })
  }

  abstract available (): string | undefined
  protected abstract argv (urls: readonly string[], target: string): Argv

  async start (): Promise<void> {
    await this.#nginx.start()
  }

  async run (): Promise<Measurement> {
    const { stage, source, size } = this.arena
    const urls = this.#nginx.origins.map((origin) => `${origin}/${basename(source)}`)
    const before = this.#nginx.used()
    const measurement = await runAllToEnd(this.targets.map((target) => {
      const argv = this.argv(urls, target)
      return this.#isSynced ? thenSync(argv, target) : argv
    }), stage.signal)
    return {
      ...measurement,
      // A shell's says nothing.
      ...(this.#isSynced ? { peakBytes: undefined } : {}),
      ownersProcessorSeconds: difference(this.#nginx.used(), before),
      // Nobody else serves, and nothing is sent twice.
      sentBytes: size * this.targets.length,
    }
  }
}

export interface CurlOptions {
  downloaders?: number
  isSynced?: boolean
  /** Where it puts the file. @default the stage's folder */
  folder?: string
  /** What each may fetch a second, as `--limit-rate` takes it. @default no limit */
  limit?: string
}

/** One stream from one server for each downloader; nothing is checked. */
export class Curl extends HttpContestant {
  readonly #limit: string | undefined

  constructor (arena: Arena, { downloaders = 1, isSynced = false, folder, limit }: CurlOptions = {}) {
    const name = `${downloaders === 1 ? '' : `${downloaders} `}curl from nginx${limit === undefined ? '' : ` at ${limit}/s`}${isSynced ? ', then sync' : ''}`
    super(arena, name, { ports: 1, downloaders, isSynced, ...(folder !== undefined && { folder }) })
    this.#limit = limit
  }

  available (): string | undefined {
    return hintUnlessFound(['nginx', 'curl'], 'apt-get install nginx curl')
  }

  protected argv ([url = '']: readonly string[], target: string): Argv {
    return ['curl', '--silent', '--show-error', '--fail', ...(this.#limit === undefined ? [] : ['--limit-rate', this.#limit]), '--output', target, url]
  }
}

/** Two streams from two servers; nothing is checked, or the whole file afterwards. */
export class Aria2 extends HttpContestant {
  readonly #isChecked: boolean

  constructor (arena: Arena, { isChecked }: { isChecked: boolean }) {
    super(arena, isChecked ? 'aria2c --checksum, 2 nginx' : 'aria2c, 2 nginx', { ports: 2 })
    this.#isChecked = isChecked
  }

  available (): string | undefined {
    return ARIA2.available()
  }

  protected argv (urls: readonly string[], target: string): Argv {
    return [
      ...ARIA2.argv, '--max-connection-per-server=1', `--split=${urls.length}`, '--min-split-size=1M',
      ...(this.#isChecked ? [`--checksum=sha-256=${this.arena.sha256}`] : []),
      '--dir', dirname(target), '--out', basename(target), ...urls,
    ]
  }
}
