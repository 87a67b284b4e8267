/** Which running parts are given up because they are slower than is useful while another owner could serve, and until when their owners are set aside. */
import type { PieceSet } from '../content/piece-set.js'
import type { Owners } from './owners.js'
import type { Part } from './part.js'
import type { SchedulePolicy } from './policy.js'

/** Those that are too slow by any measure, and in a swarm laggards: by far slower than what the fastest owner brings. Each counts as given up from then on. */
export function * tooSlow (parts: Iterable<Part>, owners: Owners, policy: SchedulePolicy, nowMs: number): Generator<Part, void> {
  const { slowAfterMs, slowBytesPerSecond, laggardAfterMs } = policy
  let laggardBytesPerMs: number | undefined
  for (const part of parts) {
    const ms = nowMs - part.startedMs
    if (ms < laggardAfterMs && ms < slowAfterMs) continue
    laggardBytesPerMs ??= owners.isSwarm ? fastestSound(owners) / policy.laggardFactor : 0
    const isSlow = ms >= slowAfterMs && part.receivedBytes < slowBytesPerSecond * ms / 1_000
    // Once for each owner: it may be the only one that has a piece.
    const isLaggard = ms >= laggardAfterMs && part.receivedBytes < laggardBytesPerMs * ms && owners.get(part.owner)?.standing.isSound === true
    if (part.isGivenUp || !(isSlow || isLaggard) || !owners.hasSoundBeside(part.owner)) continue
    part.isGivenUp = true
    yield part
  }
}

/** An owner that was set aside for being slow is better than nobody: as soon as no other serves, or is likely to now, that has what is missing. */
export function takeBackSlow (owners: Owners, missing: PieceSet, nowMs: number): void {
  if (!owners.hasAside(nowMs)) return
  const able = [...owners.able(missing)]
  if (able.some(({ standing, streams }) => standing.isSound && (streams > 0 || standing.mayBeAsked(nowMs)))) return
  for (const { standing } of able) standing.takeBack()
}

/** What the fastest owner brought lately, in bytes a millisecond. */
function fastestSound (owners: Owners): number {
  let fastest = 0
  for (const { bytesPerMs = 0, standing } of owners.all()) if (bytesPerMs > fastest && standing.isSound) fastest = bytesPerMs
  return fastest
}
