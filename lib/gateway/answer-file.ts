/** A file, or ranges of it, as the answer to a request. */
import type { ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ByteRange } from '../protocol/content.js'
import { KiB } from '../protocol/units.js'
import type { Readable, Title } from '../reading/readable.js'
import type { OpenExtent } from '../share/source.js'
import type { RateLimit } from '../threads/rate-limit.js'
import { Refusal } from '../web/refusal.js'
import { isRangeWanted, statusFor } from './conditions.js'
import { Multipart } from './multipart.js'
import { rangesIn } from './ranges.js'
import { etagOf, representationHeaders } from './representation.js'
import { begin, finish, inTurn, sendRange, until, type Sending } from './sending.js'

export interface Asked {
  request: FastifyRequest
  reply: FastifyReply
  /** Whether the digest was asked for in full. */
  isPinned: boolean
  sha256: Buffer | undefined
  links: readonly string[]
}

export interface FileSending extends Sending {
  open: (title: Title) => Promise<Readable>
}

/** What is read before the headers go: until then there is a status for what goes wrong. */
const FIRST_BYTES = 64 * KiB

/** @throws whatever keeps the first byte from coming. */
export async function answerWithFile (title: Title, { request: { method, headers }, reply, ...says }: Asked, sending: FileSending): Promise<void> {
  const validators = { etag: etagOf(title), modifiedMs: title.since && title.since * 1_000 }
  const known = representationHeaders(title, says)
  const status = statusFor(headers, validators)
  if (status !== undefined) {
    await reply.code(status).headers(known).send()
    return
  }
  // A range is of GET alone (RFC 9110, 14.2).
  const ranges = method === 'GET' && isRangeWanted(headers, validators) ? rangesIn(headers.range, title.size) : undefined
  if (ranges?.length === 0) throw new Refusal(416, 'E_USAGE', `that is not within the ${title.size} bytes of the file`, { 'Content-Range': `bytes */${title.size}` })
  const answer = answerOf(title, ranges, known['Content-Type'] ?? '')
  if (method === 'HEAD' || answer.bytes === 0) beginAnswer(answer, known, reply).end()
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

async function send (title: Title, answer: Answer, known: Record<string, string>, reply: FastifyReply, { open, slots, up, onAborted }: FileSending): Promise<void> {
  await inTurn(reply, slots, async (gone) => {
    const file = await open(title)
    try {
      const read = await readAhead(file, answer.ranges, gone)
      beginAnswer(answer, known, reply)
      await finish(reply.raw, title.filename, gone, onAborted, async (onSent) => await write(reply.raw, answer, read, up, onSent))
    } finally {
      await file.close()
    }
  })
}

function beginAnswer ({ status, bytes, headers }: Answer, known: Record<string, string>, reply: FastifyReply): ServerResponse {
  return begin(reply, status, { ...known, ...headers }, bytes)
}

async function write (raw: ServerResponse, { ranges, multipart }: Answer, read: OpenExtent['read'], up: RateLimit, onSent: () => void): Promise<void> {
  for (const range of ranges) {
    if (multipart) raw.write(multipart.before(range))
    await sendRange(raw, { range, read }, up, onSent)
  }
  if (multipart) raw.write(multipart.end)
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
