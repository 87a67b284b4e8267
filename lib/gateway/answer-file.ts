/** A file, or ranges of it, as the answer to a request. */
import type { ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ByteRange } from '../protocol/content.js'
import { PiecemealError, toPiecemealError } from '../protocol/errors.js'
import { HTTP_STALL_MS } from '../protocol/limits.js'
import { KiB } from '../protocol/units.js'
import type { Library } from '../reading/library.js'
import type { Readable, Title } from '../reading/readable.js'
import { sendRange } from '../share/send-range.js'
import type { OpenExtent } from '../share/source.js'
import type { RateLimit } from '../threads/rate-limit.js'
import { Refusal } from '../web/refusal.js'
import { isRangeWanted, statusFor } from './conditions.js'
import { Multipart } from './multipart.js'
import { rangesIn } from './ranges.js'
import { etagOf, representationHeaders } from './representation.js'
import type { Slots } from './slots.js'

export interface Asked {
  request: FastifyRequest
  reply: FastifyReply
  /** Whether the digest was asked for in full. */
  isPinned: boolean
  sha256: Buffer | undefined
  links: readonly string[]
}

export interface Sending {
  library: Library
  slots: Slots
  up: RateLimit
  onAborted: (error: PiecemealError, filename: string) => void
}

/** What is read before the headers go: until then there is a status for what goes wrong. */
const FIRST_BYTES = 64 * KiB

/** @throws whatever keeps the first byte from coming. */
export async function answerWithFile (title: Title, { request: { method, headers }, reply, ...says }: Asked, sending: Sending): Promise<void> {
  const validators = { etag: etagOf(title), modifiedMs: title.since && title.since * 1_000 }
  const known = representationHeaders(title, says)
  const status = statusFor(headers, validators)
  if (status !== undefined) {
    await reply.code(status).headers(known).send()
    return
  }
  const ranges = isRangeWanted(headers, validators) ? rangesIn(headers.range, title.size) : undefined
  if (ranges?.length === 0) throw new Refusal(416, 'E_USAGE', `that is not within the ${title.size} bytes of the file`, { 'Content-Range': `bytes */${title.size}` })
  const answer = answerOf(title, ranges, known['Content-Type'] ?? '')
  if (method === 'HEAD' || answer.bytes === 0) begin(answer, known, reply).end()
  else await send(title, answer, known, reply, sending)
}

/** What goes out, in its order: ranges of the file, and what stands around them. */
interface Answer {
  status: 200 | 206
  bytes: number
  ranges: readonly ByteRange[]
  headers: Record<string, string>
  multipart?: Multipart
}

function answerOf ({ size }: Title, ranges: readonly ByteRange[] | undefined, type: string): Answer {
  const [first, second] = ranges ?? []
  if (ranges === undefined || first === undefined) return { status: 200, bytes: size, ranges: [{ start: 0, end: size }], headers: {} }
  if (second === undefined) return { status: 206, bytes: first.end - first.start, ranges, headers: { 'Content-Range': `bytes ${first.start}-${first.end - 1}/${size}` } }
  const multipart = new Multipart(size, type)
  return { status: 206, bytes: multipart.bytesFor(ranges), ranges, headers: { 'Content-Type': multipart.type }, multipart }
}

/** From here on fastify has no part in it. */
function begin ({ status, bytes, headers }: Answer, known: Record<string, string>, reply: FastifyReply): ServerResponse {
  reply.code(status).headers({ ...known, ...headers, 'Content-Length': bytes }).hijack()
  return reply.raw.writeHead(status, reply.getHeaders() as Record<string, string>)
}

async function send (title: Title, answer: Answer, known: Record<string, string>, reply: FastifyReply, { library, slots, up, onAborted }: Sending): Promise<void> {
  const { raw } = reply
  const gone = new AbortController()
  const leave = (): void => gone.abort()
  raw.once('close', leave)
  const giveBack = await slots.take(gone.signal)
  let file: Readable | undefined
  try {
    file = await library.open(title)
    const read = await readAhead(file, answer.ranges, gone.signal)
    begin(answer, known, reply)
    try {
      await write(raw, answer, read, up)
      raw.end()
    } catch (error) {
      // Fewer bytes than were said is how whoever asked learns that something failed.
      raw.destroy()
      if (!gone.signal.aborted) onAborted(toPiecemealError(error), title.filename)
    }
  } finally {
    raw.off('close', leave)
    giveBack()
    await file?.close()
  }
}

async function write (raw: ServerResponse, { ranges, multipart }: Answer, read: OpenExtent['read'], up: RateLimit): Promise<void> {
  // Node's own socket timeout gives a write that is partly through a second period.
  const stall = setTimeout(() => raw.destroy(), HTTP_STALL_MS)
  try {
    for (const range of ranges) {
      if (multipart) raw.write(multipart.before(range))
      await sendRange(raw, { range, read }, up, () => stall.refresh())
    }
    if (multipart) raw.write(multipart.end)
  } finally {
    clearTimeout(stall)
  }
}

/** Waits for the first bytes, which are given out when they are asked for. @throws E_INTERRUPTED once whoever asked has gone. */
async function readAhead (file: Readable, ranges: readonly ByteRange[], gone: AbortSignal): Promise<OpenExtent['read']> {
  const [first = { start: 0, end: 0 }] = ranges
  file.aim(first)
  const length = Math.min(FIRST_BYTES, first.end - first.start)
  const buffer = Buffer.allocUnsafe(length)
  const bytesRead = await until(file.read(buffer, length, first.start), gone)
  let ahead: Buffer | undefined = buffer.subarray(0, bytesRead)
  const nextOf = nextRangeOf(file, ranges)
  return async (into, length, position) => {
    nextOf(position)
    if (ahead === undefined || position !== first.start) return await until(file.read(into, length, position), gone)
    const bytes = ahead.copy(into, 0, 0, length)
    ahead = undefined
    return bytes
  }
}

/** Says which range is read, whenever another one begins. */
function nextRangeOf (file: Readable, ranges: readonly ByteRange[]): (position: number) => void {
  const byStart = new Map(ranges.slice(1).map((range) => [range.start, range]))
  return (position) => {
    const range = byStart.get(position)
    if (range) file.aim(range)
  }
}

async function until<T> (work: Promise<T>, gone: AbortSignal): Promise<T> {
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
