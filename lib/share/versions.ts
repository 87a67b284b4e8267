/**
 * What this node has uploaded under each name, one version after the other. So a node that still has an
 * older version is known to have that, and not another file of the same name.
 */
import { REPLACED_DIGESTS, SHARES_PER_NODE } from '../protocol/limits.js'

export class Versions {
  /** Name → digests, the newest first. The name that was uploaded longest ago comes first. */
  readonly #digests = new Map<string, string[]>()

  /** The file is uploaded with this content now. @returns the digests that it replaces, the newest first */
  upload (filename: string, digest: string): string[] {
    const replaced = (this.#digests.get(filename) ?? []).filter((older) => older !== digest).slice(0, REPLACED_DIGESTS)
    this.#digests.delete(filename)
    this.#digests.set(filename, [digest, ...replaced])
    const [oldest] = this.#digests.keys()
    if (this.#digests.size > SHARES_PER_NODE && oldest !== undefined) this.#digests.delete(oldest)
    return replaced
  }
}
