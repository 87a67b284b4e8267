/** Programs that speak HTTP, as people use them, and a node's gateway in this process for them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Test } from 'tap'
import { openNodeSite, type NodeSiteOptions } from '../../lib/cli/node-site.js'
import { Node, Tracker, type NodeOptions, type Secret } from '../../lib/index.js'
import type { Address } from '../../lib/protocol/address.js'

export interface Outcome {
  status: number | null
  stdout: string
  stderr: string
}

/** To its end. Nothing of the environment changes what it does. */
export async function run (cwd: string, program: string, ...args: string[]): Promise<Outcome> {
  const child = spawn(program, args, { cwd, env: { PATH: process.env.PATH, HOME: cwd, LC_ALL: 'C.UTF-8' }, stdio: ['ignore', 'pipe', 'pipe'] })
  const outcome: Outcome = { status: null, stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) child[stream].setEncoding('utf8').on('data', (text: string) => { outcome[stream] += text })
  ;[outcome.status] = await once(child, 'close') as [number | null]
  return outcome
}

export class Gateways {
  readonly #t: Pick<Test, 'teardown'>
  readonly #dir: string
  readonly tracker: Address
  readonly errors: Error[] = []

  static async start (t: Pick<Test, 'teardown'>, dir: string, secret?: Secret): Promise<Gateways> {
    const tracker = new Tracker({ port: 0, secret })
    t.teardown(async () => await tracker.close())
    return new Gateways(t, dir, await tracker.start())
  }

  private constructor (t: Pick<Test, 'teardown'>, dir: string, tracker: Address) {
    this.#t = t
    this.#dir = dir
    this.tracker = tracker
  }

  /** @returns the node, where its gateway is, and what ends both */
  async node (name: string, options: Partial<NodeOptions> = {}, site: Partial<NodeSiteOptions> = {}): Promise<{ node: Node, url: string, close: () => Promise<void> }> {
    const node = new Node({ name, dir: this.#dir, tracker: this.tracker, ...options })
    const opened = await openNodeSite(node, { port: 0, tracker: this.tracker, isWritable: false, onError: (error) => this.errors.push(error), secret: options.secret, ...site })
    const close = async (): Promise<void> => {
      await opened.close()
      await node.close()
    }
    this.#t.teardown(close)
    const url = await opened.listen()
    await node.start()
    return { node, url: url.slice(0, -1), close }
  }
}
