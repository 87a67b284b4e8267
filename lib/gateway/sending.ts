/** How every answer goes out: when it is its turn, at the rate of all that does, and broken off where it can't be whole. */
import type { ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'
import { PiecemealError, toPiecemealError } from '../protocol/errors.js'
import { HTTP_STALL_MS } from '../protocol/limits.js'
import { KiB } from '../protocol/units.js'
import { sendRange as sendInChunks } from '../share/send-range.js'
import type { OpenExtent } from '../share/source.js'
import type { RateLimit } from '../threads/rate-limit.js'
import type { Slots } from './slots.js'

/** Of a file at once: here a read is a turn through the thread pool, and of 256 KiB there were so many that they cost a third of all. */
const CHUNK_BYTES = 512 * KiB

export interface Sending {
  slots: Slots
  up: RateLimit
  /** An answer broke after it had begun. */
  onAborted: (error: PiecemealError, filename: string) => void
}

/** Waits for a slot, and has it meanwhile. The signal is aborted once whoever asked has gone. */
export async function inTurn ({ raw }: FastifyReply, slots: Slots, send: (gone: AbortSignal) => Promise<void>): Promise<void> {
  const gone = new AbortController()
  const leave = (): void => gone.abort()
  raw.once('close', leave)
  const giveBack = await slots.take(gone.signal)
  try {
    await send(gone.signal)
  } finally {
    raw.off('close', leave)
    giveBack()
  }
}

/** From here on fastify has no part in it. @param bytes none where they are not known, and the answer comes in chunks */
export function begin (reply: FastifyReply, status: 200 | 206, headers: Record<string, string>, bytes?: number): ServerResponse {
  reply.code(status).headers({ ...headers, ...(bytes !== undefined && { 'Content-Length': bytes }) }).hijack()
  const raw = reply.raw.writeHead(status, reply.getHeaders() as Record<string, string>)
  // What is broken before its first chunk is then seen to be broken, and not never to have been.
  if (bytes === undefined) raw.flushHeaders()
  return raw
}

/** What follows the headers. @param write is to call `onSent` whenever something was taken */
export async function finish (raw: ServerResponse, filename: string, gone: AbortSignal, onAborted: Sending['onAborted'], write: (onSent: () => void) => Promise<void>): Promise<void> {
  // Node's own socket timeout gives a write that is partly through a second period.
  const stall = setTimeout(() => raw.destroy(), HTTP_STALL_MS)
  try {
    await write(() => stall.refresh())
    raw.end()
  } catch (error) {
    // Fewer bytes than were said, or no last chunk: so whoever asked learns that something failed.
    raw.destroy()
    if (!gone.aborted) onAborted(toPiecemealError(error), filename)
  } finally {
    clearTimeout(stall)
  }
}

export async function sendRange (raw: ServerResponse, extent: OpenExtent, up: RateLimit, onSent: () => void): Promise<void> {
  await sendInChunks(raw, extent, up, onSent, CHUNK_BYTES)
}

/** Bytes that are at hand. */
export async function sendBytes (raw: ServerResponse, bytes: Buffer, up: RateLimit, onSent: () => void): Promise<void> {
  await sendRange(raw, { range: { start: 0, end: bytes.length }, read: (into, length, position) => bytes.copy(into, 0, position, position + length) }, up, onSent)
}

/** Waits no longer than whoever asked. @throws E_INTERRUPTED once that has gone. */
export async function until<T> (work: Promise<T>, gone: AbortSignal): Promise<T> {
  let leave: () => void = () => {}
  const left = new Promise<never>((_resolve, reject) => {
    leave = () => reject(new PiecemealError('E_INTERRUPTED', 'whoever asked has gone'))
    gone.addEventListener('abort', leave, { once: true })
    if (gone.aborted) leave()
  })
  try {
    return await Promise.race([work, left])
  } finally {
    gone.removeEventListener('abort', leave)
  }
}
