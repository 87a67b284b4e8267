/**
 * Files for whoever speaks HTTP only: any file of the network, whether it is here or comes while it is
 * read. Where an answer ends in any other way than whole, whoever asked for it sees that.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isDigest } from '../protocol/content.js'
import { ConflictError, PiecemealError } from '../protocol/errors.js'
import { SHA256_WAIT_MS } from '../protocol/limits.js'
import { quote } from '../protocol/names.js'
import type { ReadFolders } from '../reading/read-folders.js'
import type { Library } from '../reading/library.js'
import type { Title } from '../reading/readable.js'
import { Sha256Book, type Sha256 } from '../reading/sha256.js'
import type { RateLimit } from '../threads/rate-limit.js'
import type { StreamCount } from '../threads/stream-count.js'
import type { PassFor } from '../web/passes.js'
import { Refusal } from '../web/refusal.js'
import { answerConflict } from './conflict.js'
import { answerWithFile } from './answer-file.js'
import { answerWithFolder } from './answer-folder.js'
import { hrefOf } from './folder-index.js'
import { linksOf, metalink, METALINK_SUFFIX, METALINK_TYPE, urlsOf } from './metalink.js'
import { addPut, type WritingOptions } from './put-file.js'
import { folderQuestionIn, questionIn, type Question } from './question.js'
import { disposition, SANDBOX } from './representation.js'
import { Slots } from './slots.js'

export interface GatewayOptions {
  library: Library
  folders: ReadFolders
  /** The rate of all that goes out. */
  up: RateLimit
  streams: StreamCount
  /** @default 64 */
  maxStreams?: number | undefined
  /** Whether files may be put here, and how. */
  writing?: Omit<WritingOptions, 'onAnswered'> | undefined
  /** What browsers see of us behind a proxy. */
  origin?: string | undefined
  /** An answer has gone out. */
  onAnswered: (status: number) => void
  /** An answer broke after it had begun. */
  onAborted: (error: PiecemealError, filename: string) => void
}

export class Gateway {
  readonly #options: GatewayOptions
  readonly #slots: Slots
  readonly #sha256 = new Sha256Book()

  constructor (options: GatewayOptions) {
    this.#options = options
    this.#slots = new Slots({ streams: options.streams, ...(options.maxStreams !== undefined && { most: options.maxStreams }) })
  }

  addTo (routes: FastifyInstance): void {
    const passWith = (questionIn: (request: FastifyRequest) => Pick<Question, 'filename' | 'digest'>) => (request: FastifyRequest): PassFor | undefined => {
      const { filename, digest } = questionIn(request)
      return digest !== undefined && isDigest(digest) ? { filename, digest } : undefined
    }
    const common = { method: ['GET', 'HEAD'], onResponse: async (_request: FastifyRequest, { statusCode }: FastifyReply) => { this.#options.onAnswered(statusCode) } }
    routes.route({ ...common, url: '/files/*', config: { passFor: passWith(questionIn) }, handler: async (request, reply) => { await this.#answer(request, reply) } })
    routes.route({ ...common, url: '/folders/*', config: { passFor: passWith(folderQuestionIn) }, handler: async (request, reply) => { await this.#answerFolder(request, reply) } })
    const { writing, onAnswered } = this.#options
    // In a room of its own: what is sent there is taken as it is.
    if (writing) void routes.register(async (own) => { addPut(own, { ...writing, onAnswered }) })
  }

  /** Safe to call twice. */
  async close (): Promise<void> {
    await this.#sha256.close()
  }

  async #answer (request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const question = questionIn(request)
    const { title, wantsMetalink } = await this.#find(question).catch((error: unknown) => {
      if (error instanceof ConflictError) return answerConflict(error, question.filename, request, reply)
      throw this.#options.folders.has(question.filename) ? isFolder(question.filename) : error
    }) ?? {}
    if (title === undefined) return
    if (title.kind !== undefined) throw isFolder(title.filename)
    const urls = urlsOf(title, this.#originFor(request))
    if (wantsMetalink) {
      const sha256 = await this.#sha256Of(title)
      reply.headers({ ...SANDBOX, 'Cache-Control': 'no-cache, no-transform', 'Content-Disposition': disposition(`${title.filename}${METALINK_SUFFIX}`, 'attachment') })
      await reply.type(METALINK_TYPE).send(metalink(title, urls, sha256))
      return
    }
    const sha256 = request.headers['want-repr-digest']?.includes('sha-256') === true ? await this.#sha256Of(title) : this.#sha256.get(title.digest)
    await answerWithFile(title, { request, reply, isPinned: question.digest === title.digest, sha256: sha256?.whole, links: linksOf(title, urls) }, { ...this.#options, slots: this.#slots, open: async (title) => await this.#options.library.open(title) })
  }

  async #answerFolder (request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const question = folderQuestionIn(request)
    const folder = await this.#options.folders.find(question.filename, question.digest).catch((error: unknown) => {
      if (error instanceof ConflictError) return answerConflict(error, question.filename, request, reply, 'folders')
      throw error
    })
    if (folder) await answerWithFolder(folder, question, request, reply, { ...this.#options, slots: this.#slots, sha256: (digest) => this.#sha256.get(digest)?.whole })
  }

  /** A file whose very name ends like that of a Metalink comes first. */
  async #find ({ filename, digest, wantsMetalink }: Question): Promise<{ title: Title, wantsMetalink: boolean }> {
    const { library } = this.#options
    try {
      return { title: await library.find(filename, digest), wantsMetalink }
    } catch (error) {
      const isMissing = error instanceof PiecemealError && (error.code === 'E_NO_OWNER' || error.code === 'E_NAME')
      if (!isMissing || wantsMetalink || !filename.endsWith(METALINK_SUFFIX)) throw missing(error)
      return { title: await library.find(filename.slice(0, -METALINK_SUFFIX.length), digest).catch((cause: unknown) => { throw missing(cause) }), wantsMetalink: true }
    }
  }

  /** Of a file that is here as a whole; one that takes long is there the next time. */
  async #sha256Of (title: Title): Promise<Sha256 | undefined> {
    if (title.size === 0 || !await this.#options.library.isHere(title)) return undefined
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<undefined>((resolve) => { timer = setTimeout(resolve, SHA256_WAIT_MS, undefined) })
    try {
      return await Promise.race([this.#sha256.of(title.digest, async () => await this.#options.library.open(title)), late])
    } finally {
      clearTimeout(timer)
    }
  }

  #originFor ({ protocol, host }: FastifyRequest): string {
    return this.#options.origin ?? `${protocol}://${host}`
  }
}

/** A name that no file can have is one that nobody has. */
function missing (error: unknown): unknown {
  return error instanceof PiecemealError && error.code === 'E_NAME' ? new Refusal(404, error.code, error.message) : error
}

/** With no redirection, which a program that follows none takes for the file. */
function isFolder (filename: string): Refusal {
  return new Refusal(404, 'E_NO_OWNER', `${quote(filename)} is a folder, and no file: it is at ${hrefOf(filename, '')}/`)
}
