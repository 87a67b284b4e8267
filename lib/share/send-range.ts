/**
 * The bytes of a range from a file to a socket: the next are read while the last are sent.
 *
 * Runs in the thread that serves and does nothing else, so reads are synchronous: from the page
 * cache, where they mostly come from, a read is over sooner than a turn through the thread pool.
 */
import type { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RateLimit } from '../threads/rate-limit.js'
import { PiecemealError } from '../protocol/errors.js'
import { KiB } from '../protocol/units.js'
import type { OpenExtent } from './source.js'

/** Two of these are all the memory that a stream takes. They stay in a core's cache: with 1 MiB a stream was slower. */
const CHUNK_BYTES = 256 * KiB
/** A slow peer is sent less at a time, so that it is seen to take something long before the stall deadline. */
const LEAST_CHUNK_BYTES = 64 * KiB
const QUICK_MS = 100
const SLOW_MS = 1_000
/** How soon a stream that waits for its turn sees that the rate has changed, or that its peer has gone. */
const LOOK_MS = 250
/** Buffers that are kept for the next stream: fresh memory costs more than the copy into it. */
const KEPT_BUFFERS = 8
const keptBuffers: Buffer[] = []

/** @param most bytes that are read at once @throws what reading throws; E_NETWORK if the peer does not take it all. */
export async function sendRange (socket: Writable, { range: { start, end }, read }: OpenExtent, up: RateLimit, onSent: (bytes: number) => void, most = CHUNK_BYTES): Promise<void> {
  const isShort = end - start < most
  let filling = isShort ? Buffer.allocUnsafe(end - start) : takeBuffer(most)
  let sending = isShort ? filling : takeBuffer(most)
  let chunkBytes = LEAST_CHUNK_BYTES
  let sent: Promise<void> = Promise.resolve()
  try {
    for (let at = start; at < end;) {
      const bytes = up.portion(Math.min(filling.length, chunkBytes, end - at))
      const waitMs = up.take(bytes)
      if (waitMs > 0) await waitForTurn(waitMs, up, socket)
      const bytesRead = await read(filling, bytes, at)
      await sent
      const chunk = filling.subarray(0, bytesRead)
      const beginMs = performance.now()
      sent = write(socket, chunk).then(() => {
        const ms = performance.now() - beginMs
        if (ms < QUICK_MS) chunkBytes = Math.min(most, chunkBytes * 4)
        else if (ms > SLOW_MS) chunkBytes = LEAST_CHUNK_BYTES
        onSent(chunk.length)
      })
      // Observed in the next round, or below; without this a failure in between would count as unhandled.
      sent.catch(() => {})
      at += bytesRead;
      [filling, sending] = [sending, filling]
      // The one that is filled next is the one that was sent before this one, or for a short range the very same.
      if (isShort) await sent
    }
    await sent
  } catch (error) {
    // What was read before is right, and its buffer in use until it is sent.
    await sent.catch(() => {})
    throw error
  } finally {
    if (!isShort) giveBack(filling, sending)
  }
}

async function waitForTurn (ms: number, up: RateLimit, socket: Writable): Promise<void> {
  const rate = up.bytesPerSecond
  const untilMs = performance.now() + ms
  for (let leftMs = ms; leftMs > 0 && up.bytesPerSecond === rate && !socket.destroyed; leftMs = untilMs - performance.now()) {
    await sleep(Math.min(leftMs, LOOK_MS))
  }
}

function takeBuffer (bytes: number): Buffer {
  const kept = keptBuffers.pop()
  // A thread reads always as much.
  return kept?.length === bytes ? kept : Buffer.allocUnsafeSlow(bytes)
}

function giveBack (...buffers: Buffer[]): void {
  for (const buffer of buffers) if (keptBuffers.length < KEPT_BUFFERS) keptBuffers.push(buffer)
}

async function write (socket: Writable, chunk: Buffer): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const fail = (): void => reject(new PiecemealError('E_NETWORK', 'the peer went away'))
    if (socket.destroyed) return fail()
    socket.once('close', fail)
    socket.write(chunk, (error) => {
      socket.off('close', fail)
      if (error) fail()
      else resolve()
    })
  })
}
