/** Reads a manifest as it comes, in chunks of any length, and keeps nothing but the entries and the line that is not whole yet. */
import { isUtf8 } from 'node:buffer'
import { protocolError } from '../protocol/check.js'
import { PiecemealError } from '../protocol/errors.js'
import { MANIFEST_BYTES, MANIFEST_LINE_BYTES } from '../protocol/limits.js'
import { isOfLaterVersion, parseEntry, parseHead, type Head } from './entry.js'
import { ManifestBuilder } from './manifest-builder.js'
import type { Manifest } from './manifest.js'

const NEWLINE = 0x0a

export class ManifestReader {
  readonly #builder = new ManifestBuilder()
  #head: Head | undefined
  #lines = 0
  #bytes = 0
  /** The beginning of a line, as it came. */
  #begun: Buffer[] = []
  #begunBytes = 0

  /**
   * The chunk is the caller's again afterwards.
   *
   * @throws E_PROTOCOL for what is not canonical, E_NAME for a path, E_FORBIDDEN for a link that leads out, E_LIMIT. Nothing
   *   more can be read then.
   */
  take (chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes > MANIFEST_BYTES) throw new PiecemealError('E_LIMIT', `the manifest has more than ${MANIFEST_BYTES} bytes`)
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#takeLine(this.#whole(chunk.subarray(start, end)))
      start = end + 1
    }
    if (start < chunk.length) this.#begin(chunk.subarray(start))
  }

  /** @throws as `take`; E_PROTOCOL as well if this was not all of it. */
  end (): Manifest {
    if (this.#begunBytes > 0) throw protocolError('the manifest ends within a line')
    const { files, size } = this.#builder.head
    if (files !== this.#head?.files || size !== this.#head.size) throw protocolError(`the manifest has ${files} files with ${size} bytes, and says otherwise in its first line`)
    return this.#builder.build()
  }

  #begin (bytes: Buffer): void {
    this.#assertLength(bytes.length)
    this.#begun.push(Buffer.from(bytes))
    this.#begunBytes += bytes.length
  }

  #whole (end: Buffer): Buffer {
    this.#assertLength(end.length)
    if (this.#begunBytes === 0) return end
    const line = Buffer.concat([...this.#begun, end])
    this.#begun = []
    this.#begunBytes = 0
    return line
  }

  #assertLength (bytes: number): void {
    if (this.#begunBytes + bytes > MANIFEST_LINE_BYTES) throw new PiecemealError('E_LIMIT', `line ${this.#lines + 1} of the manifest has more than ${MANIFEST_LINE_BYTES} bytes`)
  }

  #takeLine (bytes: Buffer): void {
    this.#lines++
    const line = isUtf8(bytes) ? bytes.toString() : ''
    if (this.#lines === 1) this.#head = this.#canonical(parseHead(line), line)
    else this.#builder.add(this.#canonical(parseEntry(line)))
  }

  #canonical<T> (parsed: T | undefined, head = ''): T {
    if (parsed !== undefined) return parsed
    if (isOfLaterVersion(head)) throw protocolError('the manifest needs a newer piecemeal')
    throw protocolError(`line ${this.#lines} of the manifest is not canonical`)
  }
}
