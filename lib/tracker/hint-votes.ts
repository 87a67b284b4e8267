/** What a content is taken for where its owners differ: a digest says one thing, so that is a lie or a slip of some of them. */
import { pieceLengthFor, type Content, type FolderExtent } from '../protocol/content.js'

/** What a node says of a content beside its digest: the size of a file, which nearly all of a million are; more of a folder. */
export type Hints = number | Readonly<Pick<Content, 'size' | 'kind'> & FolderExtent>

export function hintsOf ({ size, kind, files, filesSize }: Pick<Content, 'size' | 'kind'> & FolderExtent): Hints {
  return kind === undefined ? size : { size, kind, ...(files !== undefined && { files }), ...(filesSize !== undefined && { filesSize }) }
}

export function contentOf (digest: string, hints: Hints): Content & FolderExtent {
  const { size, ...folder } = typeof hints === 'number' ? { size: hints } : hints
  // One size has one piece length.
  return { size, digest, pieceLength: pieceLengthFor(size), ...folder }
}

/** The same of hints that say the same. */
export function keyOf (hints: Hints): string | number {
  return typeof hints === 'number' ? hints : JSON.stringify(hints)
}

interface Votes {
  hints: Hints
  complete: number
  partial: number
}

export class HintVotes {
  /** Those that differ from what the first said, each with who says so, by their keys. */
  readonly #others = new Map<string | number, Votes>()

  get isEmpty (): boolean {
    return this.#others.size === 0
  }

  count (hints: Hints, { complete }: { complete: boolean }, change: 1 | -1): void {
    const key = keyOf(hints)
    const votes = this.#others.get(key) ?? { hints, complete: 0, partial: 0 }
    votes[complete ? 'complete' : 'partial'] += change
    if (votes.complete + votes.partial > 0) this.#others.set(key, votes)
    else this.#others.delete(key)
  }

  /** What most say, complete owners first. @param first what all say who are not counted here @param all everybody */
  most (first: Hints, all: { complete: number, size: number }): Hints {
    const rest = { hints: first, complete: all.complete, partial: all.size - all.complete }
    for (const { complete, partial } of this.#others.values()) {
      rest.complete -= complete
      rest.partial -= partial
    }
    let most = rest
    for (const votes of this.#others.values()) {
      if (votes.complete > most.complete || (votes.complete === most.complete && votes.partial > most.partial)) most = votes
    }
    return most.hints
  }
}
