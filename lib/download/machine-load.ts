/** How many streams are worth having at once: as many as it takes until the machine, and no longer the network, is what is waited for. */
import { cpus } from 'node:os'

/** Where two streams keep the machine busy more of them only cost time: four took a fifth longer than two on two cores. */
const FIRST_STREAMS = 2
const MORE_STREAMS = 2
/** Of the time of all cores, whoever uses it. */
const BUSY_SHARE = 0.7
/** A share of less time than this means little. */
const LOOK_MS = 90

/** Of all cores together, in milliseconds since some moment. */
export interface ProcessorTimes {
  busyMs: number
  idleMs: number
}

export class MachineLoad {
  readonly #processorTimes: () => ProcessorTimes
  #count = FIRST_STREAMS
  #isBusy = false
  #lookedMs = -Infinity
  #last: ProcessorTimes | undefined

  constructor (processorTimes = timesOfMachine) {
    this.#processorTimes = processorTimes
  }

  /** Whether the machine had little time left when it was last looked at. */
  get isBusy (): boolean {
    return this.#isBusy
  }

  /**
   * To be asked again and again while streams run.
   *
   * @param most no more are of use now, however much time the machine has left
   */
  at (nowMs: number, most: number): number {
    if (nowMs - this.#lookedMs >= LOOK_MS) this.#look(nowMs, most)
    return Math.min(most, this.#count)
  }

  #look (nowMs: number, most: number): void {
    const times = this.#processorTimes()
    this.#isBusy = this.#last !== undefined && busyShare(this.#last, times) >= BUSY_SHARE
    if (this.#last && !this.#isBusy && this.#count < most) this.#count += MORE_STREAMS
    this.#lookedMs = nowMs
    this.#last = times
  }
}

function busyShare (before: ProcessorTimes, after: ProcessorTimes): number {
  const busyMs = after.busyMs - before.busyMs
  return busyMs / Math.max(1, busyMs + after.idleMs - before.idleMs)
}

function timesOfMachine (): ProcessorTimes {
  let [busyMs, idleMs] = [0, 0]
  for (const { times: { user, nice, sys, irq, idle } } of cpus()) {
    busyMs += user + nice + sys + irq
    idleMs += idle
  }
  return { busyMs, idleMs }
}
