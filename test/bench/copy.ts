/** `cp`, which everything is compared with, and `cp` that waits for the disk as a download does. */
import { join } from 'node:path'
import type { Arena } from './arena.js'
import type { Contestant, Measurement } from './contestant.js'
import { runToEnd, thenSync, type Argv } from './processes.js'

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
    const argv: Argv = ['cp', source, target]
    if (!this.#isSynced) return await runToEnd(argv, stage.signal)
    // The memory would be the shell's, which says nothing.
    return { ...await runToEnd(thenSync(argv, target), stage.signal), peakBytes: undefined }
  }
}
