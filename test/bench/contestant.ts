/** Whoever moves a file in a benchmark: one small file each, added to the list in `transfer.ts`. */
import type { Stage } from '../demo/stage.js'

/** What all of them work on. */
export interface Arena {
  stage: Stage
  /** The file that is moved. */
  source: string
  size: number
  /** In hex. */
  sha256: string
}

export interface Measurement {
  seconds: number
  /** Processor seconds, user and system, of who fetched; undefined where the system does not tell. */
  processorSeconds: number | undefined
  /** The same of all who served together. */
  ownersProcessorSeconds?: number | undefined
  /** The most memory that who fetched had at any moment. */
  peakBytes: number | undefined
}

export interface Contestant {
  readonly name: string
  /** Undefined if it can run here, otherwise the command that installs what it lacks. */
  available: () => string | undefined
  /** Puts files where they are served from. All do so before any of them starts: a node takes a new link to a file for a change of it. */
  layOut?: () => Promise<void>
  /** Starts what serves. */
  start?: () => Promise<void>
  /** Before each run and outside of its time. */
  prepare?: () => Promise<void>
  /** Where `run` puts the file; it is not there when `run` is called. */
  readonly target: string
  run: () => Promise<Measurement>
  /** After each run. */
  tidy?: () => Promise<void>
}
