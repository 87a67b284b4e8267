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

  /** @param folder where it copies to; the stage's if left out */
  constructor (arena: Arena, { isSynced, folder = arena.stage.folder }: { isSynced: boolean, folder?: string }) {
    this.#arena = arena
    this.#isSynced = isSynced
    this.name = isSynced ? 'cp, then sync' : 'cp'
    this.targets = [join(folder, isSynced ? 'copied-and-synced' : 'copied')]
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
