/** Whoever takes part in a benchmark: one small file each, added to the list of that benchmark. */

export interface Measurement {
  seconds: number
  /** Processor seconds, user and system, of all who fetched; undefined where the system does not tell. */
  processorSeconds: number | undefined
  /** The same of all who served together. */
  ownersProcessorSeconds?: number | undefined
  /** The most memory that any one who fetched had at any moment. */
  peakBytes: number | undefined
  /** Bytes of the file that those who served have sent. */
  sentBytes?: number | undefined
}

export interface Contestant<M = Measurement> {
  readonly name: string
  /** Undefined if it can run here, otherwise the command that installs what it lacks, or what keeps it from running. */
  available: () => string | undefined
  /** Puts files where they are served from. All do so before any of them starts: a node takes a new link to a file for a change of it. */
  layOut?: () => Promise<void>
  /** Starts what serves. */
  start?: () => Promise<void>
  /** Before each run and outside of its time. */
  prepare?: () => Promise<void>
  /** Files or folders that `run` makes; none of them is there when `run` is called. */
  readonly targets: readonly string[]
  run: () => Promise<M>
  /** After each run, when the targets have been looked at. */
  tidy?: () => Promise<void>
}
