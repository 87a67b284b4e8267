/** Which size a content has where its owners differ: a digest has one, so that is a lie or a slip of some of them. */

interface Votes {
  complete: number
  partial: number
}

export class SizeVotes {
  /** Those that differ from what the first said, each with who says so. */
  readonly #others = new Map<number, Votes>()

  get isEmpty (): boolean {
    return this.#others.size === 0
  }

  count (size: number, { complete }: { complete: boolean }, change: 1 | -1): void {
    const votes = this.#others.get(size) ?? { complete: 0, partial: 0 }
    votes[complete ? 'complete' : 'partial'] += change
    if (votes.complete + votes.partial > 0) this.#others.set(size, votes)
    else this.#others.delete(size)
  }

  /** What most say, complete owners first. @param first the size that all say who are not counted here @param all everybody */
  most (first: number, all: { complete: number, size: number }): number {
    const rest = { complete: all.complete, partial: all.size - all.complete }
    for (const { complete, partial } of this.#others.values()) {
      rest.complete -= complete
      rest.partial -= partial
    }
    let [size, most] = [first, rest]
    for (const [other, votes] of this.#others) {
      if (votes.complete > most.complete || (votes.complete === most.complete && votes.partial > most.partial)) [size, most] = [other, votes]
    }
    return size
  }
}
