/** `cp`, which everything is compared with, and `cp` that waits for the disk as a download does. */
import { join } from 'node:path'
import type { Arena } from './arena.js'
import type { Contestant, Measurement } from './contestant.js'
import { runToEnd } from './processes.js'

export class Copy implements Contestant {
  readonly name: string
  readonly targets: readonly [string]
  readonly #arena: Arena
  readonly #isSynced: boolean

  constructor (arena: Arena, { isSynced }: { isSynced: boolean }) {
    this.#arena = arena
    this.#isSynced = isSynced
    this.name = isSynced ? 'cp, then sync' : 'cp'
    this.targets = [join(arena.stage.folder, isSynced ? 'copied-and-synced' : 'copied')]
  }

  available (): undefined {
    return undefined
  }

  async run (): Promise<Measurement> {
    const { source, stage } = this.#arena
    const [target] = this.targets
    if (!this.#isSynced) return await runToEnd(['cp', source, target], stage.signal)
    const measurement = await runToEnd(['sh', '-c', 'cp "$0" "$1" && sync "$1"', source, target], stage.signal)
    // The shell's, which says nothing.
    return { ...measurement, peakBytes: undefined }
  }
}
