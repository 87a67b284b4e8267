/** How many streams are worth having at once: as many as it takes until they, and no longer the network, are what is waited for. */
import { availableParallelism } from 'node:os'

/** On a machine that is busy with two streams more of them only cost time: four took a fifth longer than two on two cores. */
const FIRST_STREAMS = 2
const MORE_STREAMS = 2
/** Of all cores, used by this process: the other half has the kernel's share, and whoever sends from the same machine. */
const BUSY_SHARE = 0.5
/** A share of less time than this means little. */
const LOOK_MS = 90

export interface StreamCountOptions {
  most: number
  /** @default those of the machine */
  cores?: number
  /** What the process has used so far, all threads together, in milliseconds. */
  processorMs?: () => number
}

export class StreamCount {
  readonly #most: number
  readonly #cores: number
  readonly #processorMs: () => number
  #count: number
  #lookedMs: number | undefined
  #usedMs = 0

  constructor ({ most, cores = availableParallelism(), processorMs = usedProcessorMs }: StreamCountOptions) {
    this.#most = most
    this.#cores = cores
    this.#processorMs = processorMs
    this.#count = Math.min(most, FIRST_STREAMS)
  }

  /** To be asked again and again while streams run; it only ever grows. */
  at (nowMs: number): number {
    const lookedMs = this.#lookedMs ?? -Infinity
    if (this.#count === this.#most || nowMs - lookedMs < LOOK_MS) return this.#count
    const usedMs = this.#processorMs()
    const share = (usedMs - this.#usedMs) / (nowMs - lookedMs) / this.#cores
    if (this.#lookedMs !== undefined && share < BUSY_SHARE) this.#count = Math.min(this.#most, this.#count + MORE_STREAMS)
    this.#lookedMs = nowMs
    this.#usedMs = usedMs
    return this.#count
  }
}

function usedProcessorMs (): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}
