/** A file of the network as it is read: from anywhere in it, whether it is here or comes while it is read. */
import type { Excerpt } from '../download/excerpt.js'
import type { ByteRange, Content } from '../protocol/content.js'
import type { Owner } from '../protocol/tracker-to-node.js'

/** What is known of a file before anything of it is read. */
export interface Title extends Content {
  filename: string
  /** When it was first announced, in seconds of the Unix clock. */
  since?: number | undefined
  /** Who else has it. */
  owners: readonly Owner[]
  /** The folder that it is to be had from, if it is not to be had by itself. */
  within?: { filename: string, digest: string, excerpt: Excerpt } | undefined
}

export interface Readable {
  readonly title: Title
  /** It is read from here to there next: what comes does so in this order. */
  aim: (range: ByteRange) => void
  /**
   * Reads bytes that are known to be right, and waits for them where they have to come.
   *
   * @returns how many, at least one
   * @throws what the download of it ended with; E_TIMEOUT if nothing came in time; E_CHANGED, E_IO.
   */
  read: (into: Buffer, length: number, position: number) => Promise<number>
  /** Safe to call twice. */
  close: () => Promise<void>
}
