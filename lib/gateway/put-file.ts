/** `PUT /files/NAME`: a file from whoever speaks HTTP only, which is then a share of this node. It never takes the place of another. */
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { PiecemealError, type ErrorCode } from '../protocol/errors.js'
import { HTTP_IDLE_BODY_MS } from '../protocol/limits.js'
import { assertFileName, quote } from '../protocol/names.js'
import { Refusal } from '../web/refusal.js'
import { etagOf } from './representation.js'
import { nameIn } from './question.js'

export interface WritingOptions {
  /** Whether a request shows the token. */
  hasToken: (request: FastifyRequest) => boolean
  /** Whether that name is taken, here or in the network. @throws E_TRACKER and the like if that can't be known. */
  isTaken: (filename: string) => Promise<boolean>
  /** Bytes that one file may have now. */
  mostBytes: () => Promise<number>
  /** @throws E_EXISTS, E_LIMIT, E_DISK_FULL, E_IO; what the bytes throw. */
  receive: (filename: string, bytes: AsyncIterable<Buffer>, mostBytes: number) => Promise<{ bytes: number, digest: string }>
  onAnswered: (status: number) => void
}

export function addPut (routes: FastifyInstance, { hasToken, isTaken, mostBytes, receive, onAnswered }: WritingOptions): void {
  // Before anything is answered: a refusal comes instead of `100 Continue`.
  async function assertMayWrite (request: FastifyRequest): Promise<void> {
    if (!hasToken(request)) throw new Refusal(403, 'E_AUTH', 'writing takes the token of the network, which one without a secret has not')
    const filename = nameIn(request)
    assertFileName(filename)
    // What is a part of a file would stand there as the whole.
    if (request.headers['content-range'] !== undefined) throw new Refusal(400, 'E_USAGE', 'a file is put as a whole: Content-Range makes no sense here')
    const bytes = Number(request.headers['content-length'] ?? 0)
    const most = await mostBytes()
    if (bytes > most) throw tooLarge(filename, most)
    if (await isTaken(filename)) throw new Refusal(412, 'E_EXISTS', `there is a ${quote(filename)} already, here or in the network`)
  }

  async function put (request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const filename = nameIn(request)
    const most = await mostBytes()
    const { bytes, digest } = await receive(filename, bodyOf(request.raw), most).catch((error: unknown) => {
      throw error instanceof PiecemealError && error.code === 'E_LIMIT' ? tooLarge(filename, most) : error
    })
    await reply.code(201).headers({ Location: request.raw.url ?? '', ETag: etagOf({ digest }) }).send({ file: filename, bytes, digest })
  }

  routes.route({
    method: 'PUT',
    url: '/files/*',
    config: { takesFile: true },
    bodyLimit: Number.MAX_SAFE_INTEGER,
    onRequest: assertMayWrite,
    onResponse: async (_request, { statusCode }) => { onAnswered(statusCode) },
    handler: put,
  })
  // What it is said to be is all the same.
  routes.removeAllContentTypeParsers()
  routes.addContentTypeParser('*', (_request, _payload, done) => { done(null) })
}

/** It may take hours, as long as something comes. @throws E_TIMEOUT, E_NETWORK. */
async function * bodyOf (request: IncomingMessage): AsyncGenerator<Buffer> {
  let failure: [ErrorCode, string] = ['E_NETWORK', 'the connection ended before the end of the file']
  const idle = setTimeout(() => {
    failure = ['E_TIMEOUT', `nothing came for ${HTTP_IDLE_BODY_MS / 1_000} s`]
    request.destroy()
  }, HTTP_IDLE_BODY_MS)
  try {
    for await (const chunk of request) {
      yield chunk as Buffer
      idle.refresh()
    }
  } catch (cause) {
    throw new PiecemealError(...failure, { cause })
  } finally {
    clearTimeout(idle)
  }
}

function tooLarge (filename: string, most: number): Refusal {
  return new Refusal(413, 'E_LIMIT', `${quote(filename)} is larger than the ${most} bytes that may be written here; see --http-write-limit`)
}
