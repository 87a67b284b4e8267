/** Work on many entries of a tree, each of them by itself, that several threads do: each takes a run of them. */
import { availableParallelism } from 'node:os'
import type { ManifestData } from '../manifest/manifest.js'

export interface EntriesTask {
  manifest: ManifestData
  /** By their numbers, ascending; all if left out. */
  entries?: Uint32Array | undefined
  /** What of them is meant; all if left out. */
  share?: Share
}

/** A run of entries, by their places among those of the task. */
export interface Share {
  from: number
  end: number
}

/** Fewer are done before a second thread has begun. */
const LEAST_ENTRIES = 2_000

/** @returns one at least, and `most` at most, of `least` entries or more */
export function sharesOf ({ manifest, entries }: EntriesTask, { most = availableParallelism(), least = LEAST_ENTRIES } = {}): Share[] {
  const count = entries?.length ?? manifest.count
  const shares = Math.max(1, Math.min(most, Math.floor(count / least)))
  return Array.from({ length: shares }, (_, i) => ({ from: Math.floor(i * count / shares), end: Math.floor((i + 1) * count / shares) }))
}

/** The numbers of those that are meant, ascending; a list of a million would be made for each thread, and copied to it. */
export function * numbersOf ({ manifest, entries, share = { from: 0, end: entries?.length ?? manifest.count } }: EntriesTask): Generator<number, void> {
  for (let place = share.from; place < share.end; place++) yield entries?.[place] ?? place
}

/** @throws what the first of them throws that fails, once none of them runs any more. */
export async function eachShare<T> (shares: readonly Share[], work: (share: Share) => Promise<T>): Promise<T[]> {
  const results = await Promise.allSettled(shares.map(work))
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}
