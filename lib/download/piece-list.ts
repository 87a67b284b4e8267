/**
 * Asks owners for size and list of pieces until one sends what the digest was made of. What the
 * tracker says beside the digest is a hint that anybody may have given it.
 */
import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { isPieceListOf, type PieceList } from '../content/digest.js'
import { LineClient } from '../net/line-client.js'
import type { Content } from '../protocol/content.js'
import { PiecemealError, toPiecemealError, type ErrorCode } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import { parseSizeAnswer, sizeQuestion } from '../protocol/size-information.js'
import type { Found, Owner } from '../protocol/tracker-to-node.js'
import type { DownloadContext } from './context.js'

/** How long one owner is waited for before the next is asked as well. */
const HEAD_START_MS = 250
/** By then all are asked, however many are dead. */
const LONGEST_WAIT_MS = 2_000

/** Size, piece length and pieces that fit the digest. */
export type PiecedContent = Content & { pieces: PieceList }

/** How long one to an owner took. */
export interface RoundTrip {
  owner: Owner
  ms: number
}

export interface CheckedPieceList {
  content: PiecedContent
  /** To the owner that sent it, at most. */
  roundTrip: RoundTrip
  /** Owners that sent something else. */
  liars: Owner[]
}

/** No owner sent a list that fits the digest: E_DIGEST if one sent another list, otherwise the failure of the last. */
export class NoPieceList extends PiecemealError {
  /** Of each owner that was asked. */
  readonly codes: readonly ErrorCode[]

  constructor ({ code, message }: PiecemealError, codes: readonly ErrorCode[]) {
    super(code, message)
    this.codes = codes
  }
}

/** @throws NoPieceList; E_INTERRUPTED. */
export async function fetchPieceList (found: Found, signal: AbortSignal, context: Pick<DownloadContext, 'credentials' | 'deadlines'>): Promise<CheckedPieceList> {
  // Not with `AbortSignal.any`: in Node 20 such a signal may be collected before it fires.
  const done = new AbortController()
  const either = done.signal
  setMaxListeners(0, either)
  const stop = (): void => done.abort()
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  const liars: Owner[] = []
  const failures: PiecemealError[] = []
  const ask = async (owner: Owner, turn: Promise<unknown>): Promise<Omit<CheckedPieceList, 'liars'>> => {
    await turn
    try {
      return await askOwner(owner, found, either, context)
    } catch (error) {
      const failure = toPiecemealError(error)
      if (failure.code === 'E_DIGEST') liars.push(owner)
      failures.push(failure)
      throw failure
    }
  }

  const asked: Array<ReturnType<typeof ask>> = []
  for (const owner of found.owners) {
    const previous = asked.at(-1)
    // The next owner's turn comes when the one before has failed, or has not answered for a while.
    const turn = previous
      ? Promise.race([previous.then(() => { either.throwIfAborted() }, () => {}), sleep(Math.min(HEAD_START_MS * asked.length, LONGEST_WAIT_MS), undefined, { signal: either })])
      : Promise.resolve()
    asked.push(ask(owner, turn))
  }
  try {
    return { ...await Promise.any(asked), liars }
  } catch {
    if (signal.aborted) throw new PiecemealError('E_INTERRUPTED', `the download of ${quote(found.filename)} was stopped`)
    const failure = failures.find(({ code }) => code === 'E_DIGEST') ?? failures.at(-1) ??
      new PiecemealError('E_NO_OWNER', `nobody owns ${quote(found.filename)}`)
    throw new NoPieceList(failure, failures.map(({ code }) => code))
  } finally {
    signal.removeEventListener('abort', stop)
    done.abort()
    await Promise.allSettled(asked)
  }
}

async function askOwner (owner: Owner, { filename, digest }: Found, signal: AbortSignal, { credentials, deadlines }: Pick<DownloadContext, 'credentials' | 'deadlines'>): Promise<Omit<CheckedPieceList, 'liars'>> {
  const startMs = performance.now()
  const client = await LineClient.connect({ host: owner.host, port: owner.inputPort, signal, credentials: credentials?.control, ...deadlines })
  const giveUp = (): void => client.close()
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    const askedMs = performance.now()
    const { pieces, ...answer } = parseSizeAnswer(await client.request(sizeQuestion(filename, digest)))
    // Both took one, and something else besides: a handshake, or to read the list.
    const ms = Math.min(askedMs - startMs, performance.now() - askedMs)
    if (answer.digest !== digest || pieces === undefined || !isPieceListOf(answer, pieces)) {
      throw new PiecemealError('E_DIGEST', `the owner ${quote(owner.name)} sent a piece list that does not match the digest of ${quote(filename)}`)
    }
    return { content: { ...contentOnly(answer), pieces }, roundTrip: { owner, ms } }
  } finally {
    signal.removeEventListener('abort', giveUp)
    client.close()
  }
}

function contentOnly ({ size, digest, pieceLength, kind }: Content): Content {
  return { size, digest, pieceLength, kind }
}
