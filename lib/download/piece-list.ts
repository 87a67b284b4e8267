/** Asks owners for the list of pieces until one sends the list that the digest was made of. */
import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { isPieceListOf, type PieceList } from '../content/digest.js'
import { LineClient } from '../net/line-client.js'
import type { Content } from '../protocol/content.js'
import { PiecemealError, toPiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import { parseSizeAnswer, sizeQuestion } from '../protocol/size-information.js'
import type { Found, Owner } from '../protocol/tracker-to-node.js'
import type { DownloadContext } from './context.js'

/** How long one owner is waited for before the next is asked as well. */
const HEAD_START_MS = 250
/** By then all are asked, however many are dead. */
const LONGEST_WAIT_MS = 2_000

export interface CheckedPieceList {
  pieces: PieceList
  /** Owners that sent something else. */
  liars: Owner[]
}

/** @throws E_DIGEST if only wrong lists came, otherwise what the last owner failed with. */
export async function fetchPieceList (found: Found, signal: AbortSignal, context: Pick<DownloadContext, 'credentials' | 'deadlines'>): Promise<CheckedPieceList> {
  const noBytes = Buffer.alloc(0)
  if (found.size === 0 && isPieceListOf(found, noBytes)) return { pieces: noBytes, liars: [] }

  // Not with `AbortSignal.any`: in Node 20 such a signal may be collected before it fires.
  const done = new AbortController()
  const either = done.signal
  setMaxListeners(0, either)
  const stop = (): void => done.abort()
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  const liars: Owner[] = []
  const failures: PiecemealError[] = []
  const ask = async (owner: Owner, turn: Promise<unknown>): Promise<PieceList> => {
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

  const asked: Array<Promise<PieceList>> = []
  for (const owner of found.owners) {
    const previous = asked.at(-1)
    // The next owner's turn comes when the one before has failed, or has not answered for a while.
    const turn = previous
      ? Promise.race([previous.then(() => { either.throwIfAborted() }, () => {}), sleep(Math.min(HEAD_START_MS * asked.length, LONGEST_WAIT_MS), undefined, { signal: either })])
      : Promise.resolve()
    asked.push(ask(owner, turn))
  }
  try {
    return { pieces: await Promise.any(asked), liars }
  } catch {
    if (signal.aborted) throw new PiecemealError('E_INTERRUPTED', `the download of ${quote(found.filename)} was stopped`)
    throw failures.find(({ code }) => code === 'E_DIGEST') ?? failures.at(-1) ??
      new PiecemealError('E_NO_OWNER', `nobody owns ${quote(found.filename)}`)
  } finally {
    signal.removeEventListener('abort', stop)
    done.abort()
    await Promise.allSettled(asked)
  }
}

async function askOwner (owner: Owner, content: Content & { filename: string }, signal: AbortSignal, { credentials, deadlines }: Pick<DownloadContext, 'credentials' | 'deadlines'>): Promise<PieceList> {
  const client = await LineClient.connect({ host: owner.host, port: owner.inputPort, signal, credentials: credentials?.control, ...deadlines })
  const giveUp = (): void => client.close()
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    const { pieces, ...answer } = parseSizeAnswer(await client.request(sizeQuestion(content.filename, content.digest)))
    const isAboutTheSame = answer.digest === content.digest && answer.size === content.size && answer.pieceLength === content.pieceLength
    if (!isAboutTheSame || pieces === undefined || !isPieceListOf(content, pieces)) {
      throw new PiecemealError('E_DIGEST', `the owner ${quote(owner.name)} sent a piece list that does not match the digest of ${quote(content.filename)}`)
    }
    return pieces
  } finally {
    signal.removeEventListener('abort', giveUp)
    client.close()
  }
}
