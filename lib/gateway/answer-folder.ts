/** A folder as the answer to a request: what is in it, one file of it, or all as an archive. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { entriesAt, type EntryRange } from '../manifest/entries-at.js'
import { quote } from '../protocol/names.js'
import { KiB } from '../protocol/units.js'
import type { ReadFolder, ReadFolders } from '../reading/read-folders.js'
import { wants } from '../web/answer.js'
import { Refusal } from '../web/refusal.js'
import { answerWithFile } from './answer-file.js'
import { archiveOf } from './archive.js'
import { indexJson, indexPage } from './folder-index.js'
import type { FolderQuestion } from './question.js'
import { disposition, SANDBOX } from './representation.js'
import { begin, finish, inTurn, sendBytes, sendRange, type Sending } from './sending.js'

export interface FolderSending extends Sending {
  folders: ReadFolders
  /** Of a content, where it is known. */
  sha256: (digest: string) => Buffer | undefined
}

/** Of what is made here, so much at a time. */
const CHUNK_BYTES = 64 * KiB

/** @throws whatever keeps the first byte from coming. */
export async function answerWithFolder (folder: ReadFolder, asked: FolderQuestion, request: FastifyRequest, reply: FastifyReply, sending: FolderSending): Promise<void> {
  const { share: { filename, digest, manifest } } = folder
  const { path, isFolder } = asked
  const entries = entriesAt(manifest, path)
  // Of a folder that is not empty the manifest has what is below it, and nothing else.
  const entry = path !== '' && entries.first < entries.end && manifest.path(entries.first) === path ? manifest.entry(entries.first) : undefined
  if (path !== '' && entries.first === entries.end) throw new Refusal(404, 'E_NO_OWNER', `there is no ${quote(path)} in the folder ${quote(filename)}`)
  if (asked.wantsTar) return await answerWithTar(folder, entries, request, reply, sending)
  if (entry?.kind === 'link') throw new Refusal(404, 'E_NO_OWNER', `${quote(path)} is a link to ${quote(entry.target)}, and links are not followed`)
  if (entry?.kind !== 'file') return await answerWithIndex(folder, asked, request, reply, sending)
  if (isFolder) throw new Refusal(404, 'E_NO_OWNER', `${quote(path)} is a file, and no folder`)
  const { folders, sha256 } = sending
  const title = folders.titleOf(folder, entries.first)
  if (title === undefined) throw new Error(`entry ${entries.first} is no file`)
  folders.assertHas(folder, { first: entries.first, end: entries.first + 1 })
  await answerWithFile(title, { request, reply, isPinned: asked.digest === digest, sha256: sha256(title.digest), links: [] }, { ...sending, open: async () => await folders.open(folder, entries.first) })
}

async function answerWithIndex ({ share }: ReadFolder, { path, digest }: FolderQuestion, request: FastifyRequest, reply: FastifyReply, { slots, up, onAborted }: Sending): Promise<void> {
  const isJson = wants(request, 'application/json')
  const headers = {
    'Content-Type': isJson ? 'application/json; charset=utf-8' : 'text/html; charset=utf-8',
    'Cache-Control': 'no-cache, no-transform',
    Vary: 'Accept',
    ...(!isJson && { 'Content-Security-Policy': "default-src 'none'; style-src 'self'; frame-ancestors 'none'" }),
    'X-Piecemeal-Digest': share.digest,
  }
  if (request.method === 'HEAD') {
    begin(reply, 200, headers).end()
    return
  }
  // Whoever came with a pass goes on with it.
  const { pass } = request.query as { pass?: unknown }
  const shown = { share, path, question: digest === undefined ? '' : `?digest=${digest}${typeof pass === 'string' ? `&pass=${encodeURIComponent(pass)}` : ''}` }
  await inTurn(reply, slots, async (gone) => {
    const raw = begin(reply, 200, headers)
    await finish(raw, share.filename, gone, onAborted, async (onSent) => {
      const made = new Made(async (bytes) => await sendBytes(raw, bytes, up, onSent))
      for (const line of isJson ? indexJson(shown) : indexPage(shown)) await made.add(Buffer.from(line))
      await made.flush()
    })
  })
}

/** Paths begin with the folder's name, whatever part of it is asked for: then no link leads out of that. */
async function answerWithTar (folder: ReadFolder, entries: EntryRange, { method }: FastifyRequest, reply: FastifyReply, { folders, slots, up, onAborted }: FolderSending): Promise<void> {
  const { share } = folder
  folders.assertHas(folder, entries)
  await folders.assertFits(folder, entries)
  const since = folder.since ?? Math.floor(Date.now() / 1_000)
  const headers = {
    ...SANDBOX,
    'Content-Type': 'application/x-tar',
    'Content-Disposition': disposition(`${share.filename}.tar`, 'attachment'),
    'Cache-Control': 'no-cache, no-transform',
    'Accept-Ranges': 'none',
    'X-Piecemeal-Digest': share.digest,
  }
  if (method === 'HEAD') {
    begin(reply, 200, headers).end()
    return
  }
  await inTurn(reply, slots, async (gone) => {
    const parts = archiveOf(folder, entries, since, { folders, gone })
    try {
      // What goes wrong until there is something to send has a status.
      let part = await parts.next()
      const raw = begin(reply, 200, headers)
      await finish(raw, share.filename, gone, onAborted, async (onSent) => {
        for (; part.done !== true; part = await parts.next()) {
          if (Buffer.isBuffer(part.value)) await sendBytes(raw, part.value, up, onSent)
          else await sendRange(raw, part.value, up, onSent)
        }
      })
    } finally {
      await parts.return()
    }
  })
}

/** Bytes that are made here, many small ones as one. */
class Made {
  readonly #send: (bytes: Buffer) => Promise<void>
  #chunks: Buffer[] = []
  #bytes = 0

  constructor (send: (bytes: Buffer) => Promise<void>) {
    this.#send = send
  }

  async add (bytes: Buffer): Promise<void> {
    this.#chunks.push(bytes)
    this.#bytes += bytes.length
    if (this.#bytes >= CHUNK_BYTES) await this.flush()
  }

  async flush (): Promise<void> {
    const bytes = Buffer.concat(this.#chunks)
    this.#chunks = []
    this.#bytes = 0
    await this.#send(bytes)
  }
}
