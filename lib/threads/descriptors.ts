/**
 * How a node or a tracker that has few file descriptors (`ulimit -n`) shares them out, so that each of
 * its parts works with what there is, and says that it is busy rather than failing half-way.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { CONNECTIONS, MAX_FETCH_THREADS, UPLOAD_STREAMS } from '../protocol/limits.js'

/** What a node holds open whatever it does: its threads but those that fetch, ports, tracker and lock; and some in reserve. */
const FIXED = 18
/** Of a thread that fetches: its event loop, a part file, and the connection to its owner. */
const PER_THREAD = 7
/** Of an upload: the file, and the connection. */
const PER_UPLOAD = 2
/** What a tracker opens beside the connections of nodes: its port, its tries whether they are reached, and those that it turns away. */
const TRACKER_RESERVE = 40

export interface DescriptorShares {
  /** Threads that fetch. */
  threads: number
  uploads: number
  /** Connections to each of a node's ports. */
  connections: number
}

/** @param spare how many may still be opened; at least one of each is given, whatever there is */
export function shareOut (spare: number): DescriptorShares {
  let left = spare - FIXED
  const threads = clamp(left / 3 / PER_THREAD, 1, MAX_FETCH_THREADS)
  left -= threads * PER_THREAD
  const uploads = clamp(left / 2 / PER_UPLOAD, 1, UPLOAD_STREAMS)
  left -= uploads * PER_UPLOAD
  return { threads, uploads, connections: clamp(uploads + left / 2, 2, CONNECTIONS) }
}

/** Connections to a tracker. @param spare as of `shareOut` */
export function trackerConnections (spare: number): number {
  return clamp(Math.max(spare - TRACKER_RESERVE, spare / 2), 2, Infinity)
}

/** How many descriptors this process may still open. */
export function spareDescriptors (): number {
  try {
    const [, most] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return most === undefined ? Infinity : Number(most) - readdirSync('/proc/self/fd').length
  } catch {
    // Without /proc there is nothing to go by; what can't be opened is told when it is tried.
    return Infinity
  }
}

function clamp (value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, Math.floor(value)))
}
