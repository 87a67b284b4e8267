/**
 * Connections of this thread to owners that wait for the next request. With many small files to
 * fetch, most of what each costs would be to connect; and from far away a stream that begins anew
 * takes many round trips to become as fast as the one before. One that was kept may be closed at the
 * moment it is asked.
 */
import type { OnReadOpts, Socket } from 'node:net'
import { openSocket, type Greeting } from '../net/open-socket.js'
import { formatAddress, type Address } from '../protocol/address.js'
import type { SocketReader } from './socket-reader.js'

/** As many as the parts that share a thread. */
const MOST_KEPT = 4
/** An owner closes it after twice as long. */
const KEPT_MS = 5_000

export interface OwnerConnection {
  /** Whose it is, and by which key. */
  readonly to: string
  readonly socket: Socket
  readonly reader: SocketReader
  /** The event that says that it may be used; none where it has been. */
  ready: 'connect' | 'secureConnect' | undefined
}

interface Kept extends OwnerConnection {
  late: NodeJS.Timeout
  sinceMs: number
}

/** The one that was kept longest first. */
const kept = new Set<Kept>()

export function openConnection (owner: Address, greeting: Greeting | undefined, reader: SocketReader): OwnerConnection {
  const onread: OnReadOpts = reader.onread
  const { socket, ready } = openSocket({ ...owner, onread }, greeting)
  // Between two parts nobody listens, and an error is followed by the end of it.
  socket.on('error', () => {})
  return { to: nameOf(owner, greeting), socket, reader, ready }
}

/** One that was used for the same owner, with the same key. */
export function takeKept (owner: Address, greeting: Greeting | undefined): OwnerConnection | undefined {
  const to = nameOf(owner, greeting)
  for (const connection of [...kept].reverse()) {
    if (performance.now() - connection.sinceMs > KEPT_MS) drop(connection)
    else if (connection.to === to) return release(connection)
  }
  return undefined
}

/** Until somebody takes it, for a while; it keeps nobody from ending, and is not read. */
export function keep (connection: OwnerConnection): void {
  const entry: Kept = { ...connection, ready: undefined, sinceMs: performance.now(), late: setTimeout(() => drop(entry), KEPT_MS).unref() }
  connection.socket.unref()
  kept.add(entry)
  const [oldest] = kept
  if (kept.size > MOST_KEPT && oldest) drop(oldest)
}

function release (connection: Kept): OwnerConnection {
  clearTimeout(connection.late)
  kept.delete(connection)
  connection.socket.ref()
  return connection
}

function drop (connection: Kept): void {
  release(connection).socket.destroy()
}

function nameOf (owner: Address, greeting: Greeting | undefined): string {
  return `${formatAddress(owner)} ${greeting ? `${greeting.name} ${greeting.key.id}` : ''}`
}
