/**
 * An end that is no reset: to close at once while a peer still sends would reset the connection and
 * lose the last bytes on their way to it. So its bytes are read for a while and thrown away.
 */
import type { Socket } from 'node:net'
import { LINGER_BYTES } from '../protocol/limits.js'

/** Reads what a peer sends from now on without looking at it, so that its end is seen; one that sends on and on is cut off. */
export function throwAway (socket: Socket): void {
  const mostBytes = socket.bytesRead + LINGER_BYTES
  socket.on('data', () => { if (socket.bytesRead > mostBytes) socket.destroy() })
  socket.resume()
}

/** Ends our side, and destroys the socket when the peer has not ended its own in time, or sends on and on. */
export function endGently (socket: Socket, mostMs: number): void {
  if (socket.destroyed) return
  throwAway(socket)
  socket.end()
  const cut = setTimeout(() => socket.destroy(), mostMs)
  socket.once('close', () => clearTimeout(cut))
}
