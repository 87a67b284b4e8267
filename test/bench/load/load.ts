/**
 * A process that keeps a tracker busy and counts its answers: told what to do by JSON as its
 * argument, it prints a `LoadResult` as JSON. Answers are looked at once, before the clock runs, and
 * from then on only counted, so that it is the tracker that has no time left, not this.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { difference, processorSeconds } from '../processes.js'
import { HttpAnnounces, type HttpLoad } from './http-announces.js'
import { Messages, type MessageLoad } from './messages.js'
import { UdpAnnounces, type UdpLoad } from './udp-announces.js'

export type Load = MessageLoad | HttpLoad | UdpLoad

/** What all have in common. */
export interface LoadOptions {
  port: number
  /** Requests go out over so many connections, or from so many UDP ports. */
  connections: number
  /** Requests that are not answered yet, on each of them. */
  inFlight: number
}

export interface LoadResult {
  answers: number
  seconds: number
  /** Of the tracker, in that time. */
  processorSeconds: number | undefined
  /** Of this process: close to `seconds`, it may have been what held the tracker back. */
  loadProcessorSeconds: number
}

export interface Driver {
  /** Connects and makes sure that the answers are what they should be. @throws if they are not. */
  prepare: () => Promise<void>
  /** Begins to send, and goes on whenever something is answered. */
  begin: () => void
  /** So far. */
  readonly answers: number
}

const WARM_UP_MS = 500
const MEASURE_MS = 2_000
const PREPARE_MS = 60_000

function driverFor (load: Load): Driver {
  switch (load.kind) {
    case 'messages': return new Messages(load)
    case 'http': return new HttpAnnounces(load)
    case 'udp': return new UdpAnnounces(load)
  }
}

const { pid, load } = JSON.parse(process.argv[2] ?? '') as { pid: number, load: Load }
const driver = driverFor(load)
const late = setTimeout(() => { throw new Error(`not ready after ${PREPARE_MS} ms`) }, PREPARE_MS)
await driver.prepare()
clearTimeout(late)
driver.begin()
await sleep(WARM_UP_MS)
const [answers, startMs, used, loadUsed] = [driver.answers, performance.now(), processorSeconds(pid), process.cpuUsage()]
await sleep(MEASURE_MS)
const { user, system } = process.cpuUsage(loadUsed)
const result: LoadResult = {
  answers: driver.answers - answers,
  seconds: (performance.now() - startMs) / 1_000,
  processorSeconds: difference(processorSeconds(pid), used),
  loadProcessorSeconds: (user + system) / 1e6,
}
console.log(JSON.stringify(result))
// Its connections would keep it alive.
process.exit()
