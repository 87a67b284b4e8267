/**
 * Streams between nodes that share upload and download rates, as TCP roughly does: a new stream gets
 * the smaller of both fair shares, taken from those that have more than theirs; what a stream that
 * ends leaves free goes to others whose other end has room. No rate is ever exceeded. Rates are
 * bytes a millisecond.
 */

export interface Link {
  readonly up: number
  readonly down: number
  upUsed: number
  downUsed: number
  readonly uploads: Stream[]
  readonly downloads: Stream[]
}

export interface Stream {
  readonly from: Link
  readonly to: Link
  rate: number
  /** What had come at `sinceMs`. */
  bytes: number
  sinceMs: number
}

export class Links {
  readonly #onRate: (stream: Stream) => void

  /** @param onRate is told of every stream that got faster; one that got slower is late, which its receiver notices itself */
  constructor (onRate: (stream: Stream) => void) {
    this.#onRate = onRate
  }

  open (stream: Stream, nowMs: number): void {
    const { from, to } = stream
    const fairUp = from.up / (from.uploads.length + 1)
    const fairDown = to.down / (to.downloads.length + 1)
    const rate = Math.min(fairUp, fairDown)
    this.#makeRoom(from.uploads, rate - (from.up - from.upUsed), fairUp, nowMs)
    this.#makeRoom(to.downloads, rate - (to.down - to.downUsed), fairDown, nowMs)
    from.uploads.push(stream)
    to.downloads.push(stream)
    stream.sinceMs = nowMs
    this.#setRate(stream, rate, nowMs)
  }

  close (stream: Stream, nowMs: number): void {
    const { from, to } = stream
    this.#setRate(stream, 0, nowMs)
    remove(from.uploads, stream)
    remove(to.downloads, stream)
    this.#fill(from.uploads, nowMs)
    this.#fill(to.downloads, nowMs)
  }

  /** Gives what is free at one end of these streams to those whose other end has room too. */
  fillDownloads (link: Link, nowMs: number): void {
    this.#fill(link.downloads, nowMs)
  }

  /** Counts what has come until now. */
  settle (stream: Stream, nowMs: number): void {
    stream.bytes += stream.rate * (nowMs - stream.sinceMs)
    stream.sinceMs = nowMs
  }

  #makeRoom (streams: readonly Stream[], wanted: number, fair: number, nowMs: number): void {
    if (wanted <= 0) return
    let excess = 0
    for (const { rate } of streams) excess += Math.max(0, rate - fair)
    if (excess <= 0) return
    const kept = 1 - Math.min(1, wanted / excess)
    for (const stream of streams) if (stream.rate > fair) this.#setRate(stream, fair + (stream.rate - fair) * kept, nowMs)
  }

  #fill (streams: readonly Stream[], nowMs: number): void {
    for (let i = 0; i < streams.length; i++) {
      const stream = streams[i]
      if (stream === undefined) continue
      const { from, to, rate } = stream
      const room = Math.min(from.up - from.upUsed, to.down - to.downUsed)
      // What is hardly anything is not worth an event.
      if (room > rate / 64) this.#setRate(stream, rate + room, nowMs)
    }
  }

  #setRate (stream: Stream, rate: number, nowMs: number): void {
    this.settle(stream, nowMs)
    const difference = rate - stream.rate
    stream.from.upUsed += difference
    stream.to.downUsed += difference
    stream.rate = rate
    if (difference > 0) this.#onRate(stream)
  }
}

/** Without keeping the order. @returns whether it was there */
export function remove<S extends Stream> (streams: S[], stream: S): boolean {
  const at = streams.indexOf(stream)
  if (at < 0) return false
  const last = streams.pop()
  if (last !== undefined && last !== stream) streams[at] = last
  return true
}
