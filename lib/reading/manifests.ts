/** The manifests of folders that are not here, each fetched once for all who read in its folder: those that were asked for last. */
import { ManifestReader } from '../manifest/manifest-reader.js'
import type { Manifest } from '../manifest/manifest.js'
import { PiecemealError } from '../protocol/errors.js'
import { MANIFEST_BYTES, READ_MANIFEST_BYTES } from '../protocol/limits.js'
import { quote } from '../protocol/names.js'
import { KiB } from '../protocol/units.js'
import type { Library } from './library.js'
import type { Title } from './readable.js'

const CHUNK_BYTES = 256 * KiB

interface Known {
  manifest: Promise<Manifest>
  bytes: number
  isComing: boolean
}

export class Manifests {
  readonly #library: Pick<Library, 'open' | 'forget'>
  /** By digest; the one that was asked for longest ago first. */
  readonly #known = new Map<string, Known>()

  constructor (library: Pick<Library, 'open' | 'forget'>) {
    this.#library = library
  }

  /** @throws E_BUSY while too many come; E_LIMIT, E_PROTOCOL, E_NAME, E_FORBIDDEN if it is none that may be; whatever its download ends with. */
  async of (title: Title): Promise<Manifest> {
    const { digest, size, filename } = title
    if (size > MANIFEST_BYTES) throw new PiecemealError('E_LIMIT', `the manifest of ${quote(filename)} has more than ${MANIFEST_BYTES} bytes`)
    const known = this.#known.get(digest) ?? this.#begin(title)
    this.#known.delete(digest)
    this.#known.set(digest, known)
    try {
      return await known.manifest
    } catch (error) {
      if (this.#known.get(digest) === known) this.#known.delete(digest)
      throw error
    }
  }

  #begin (title: Title): Known {
    let bytes = title.size
    for (const known of this.#known.values()) bytes += known.bytes
    for (const [digest, known] of this.#known) {
      if (bytes <= READ_MANIFEST_BYTES) break
      if (known.isComing) continue
      this.#known.delete(digest)
      bytes -= known.bytes
    }
    if (bytes > READ_MANIFEST_BYTES) throw new PiecemealError('E_BUSY', `manifests of ${READ_MANIFEST_BYTES} bytes are being fetched for readers already`)
    const known: Known = { manifest: this.#read(title), bytes: title.size, isComing: true }
    known.manifest.then(() => { known.isComing = false }, () => {})
    return known
  }

  async #read (title: Title): Promise<Manifest> {
    const { filename, digest, size } = title
    const reader = new ManifestReader()
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size))
    const file = await this.#library.open({ ...title, within: { filename, digest, excerpt: 'manifest' } })
    try {
      for (let at = 0; at < size;) {
        const bytesRead = await file.read(chunk, Math.min(chunk.length, size - at), at)
        reader.take(chunk.subarray(0, bytesRead))
        at += bytesRead
      }
    } finally {
      await file.close()
    }
    // It is in memory now, and no file that anybody shares.
    await this.#library.forget(title).catch(() => {})
    return reader.end()
  }
}
