/** What the keys in Redis are called. All keys of one file name have one hash tag, so that a script may use them together. */
import { hash } from 'node:crypto'
import { DIGEST_PREFIX } from '../protocol/content.js'
import { NAME_PARTS } from './limits.js'

export interface FileKeys {
  /** The contents of that name. */
  file: string
  /** What the keys of its owners begin with. */
  base: string
  /** The part of the names that it is in. */
  names: string
}

export class Keys {
  readonly trackers: string
  readonly net: string
  readonly sweep: string
  /** All parts of the names. */
  readonly names: readonly string[]
  readonly #prefix: string

  constructor (prefix: string) {
    this.#prefix = prefix
    this.trackers = `${prefix}:trackers`
    this.net = `${prefix}:net`
    this.sweep = `${prefix}:sweep`
    this.names = Array.from({ length: NAME_PARTS }, (_, part) => `${prefix}:names:${part.toString(16).padStart(2, '0')}`)
  }

  tracker (token: string): string {
    return `${this.#prefix}:tracker:${token}`
  }

  reports (token: string): string {
    return `${this.tracker(token)}:reports`
  }

  node (name: string): string {
    return `${this.#prefix}:node:{${name}}`
  }

  /** A pattern of all keys of files, or of their owners. */
  all (kind: 'f' | 'o'): string {
    return `${this.#prefix}:${kind}:{*`
  }

  /** File names may have braces, so the tag is a hash of them. */
  of (filename: string): FileKeys {
    const digits = hash('sha1', filename)
    const tagged = `{${digits.slice(0, 16)}}:${filename}`
    return {
      file: `${this.#prefix}:f:${tagged}`,
      base: `${this.#prefix}:o:${tagged}:`,
      names: this.names[parseInt(digits.slice(0, 2), 16) % NAME_PARTS] as string,
    }
  }

  /** Complete and partial owners of one content. */
  ownersOf ({ base }: Pick<FileKeys, 'base'>, digest: string): [complete: string, partial: string] {
    const short = shortDigest(digest)
    return [`${base}${short}:c`, `${base}${short}:p`]
  }
}

/** 128 bits of a digest tell contents of one name apart. */
export function shortDigest (digest: string): string {
  return digest.slice(DIGEST_PREFIX.length, DIGEST_PREFIX.length + 32)
}
