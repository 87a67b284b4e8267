/** A part that runs in a thread of its own: what the thread was told, and what it tells while it runs. */
import type { PieceList } from '../content/digest.js'
import { PIECE_DIGEST_BYTES } from '../protocol/content.js'
import { toPiecemealError, type PiecemealError } from '../protocol/errors.js'
import type { Found, Owner } from '../protocol/tracker-to-node.js'
import type { DownloadContext } from './context.js'
import { isExecutable } from './executable.js'
import type { PartToStart } from '../schedule/orders.js'
import { PartControl } from '../threads/part-control.js'
import type { UntoldFile } from '../disk/untold-file.js'
import type { WholeFile } from '../part/part-task.js'
import { offsetsOf } from '../content/layout.js'
import type { PlacedRun } from '../content/run.js'
import type { Wanted } from '../content/wanted.js'
import type { PartPlace } from './part-place.js'

export interface RunningPartOptions {
  part: PartToStart
  owner: Owner
  place: PartPlace
  found: Found
  wanted: Wanted
  /** Of all that is wanted, where they are known. */
  pieces: PieceList | undefined
  /** Where its thread puts it, if it is all of the file. */
  target: string | undefined
  /** What earlier parts may have named so. */
  untold?: readonly UntoldFile[]
  /** Its thread is done with it. */
  onEnd: (end: PartEnd) => Promise<void>
}

export interface PartEnd {
  file?: WholeFile | undefined
  /** Why it did not come to its end. */
  failure?: PiecemealError
}

export class RunningPart {
  readonly part: PartToStart
  readonly owner: Owner
  readonly place: PartPlace
  /** Its thread is done with it, and so is `onEnd`. */
  readonly ended: Promise<void>
  readonly #control: PartControl
  readonly #threadHangMs: number
  /** Ends the thread. */
  readonly #kill = new AbortController()
  /** Lowered when others bring the rest. */
  #endPiece: number
  /** The first piece that was not yet taken. */
  #toldPiece: number
  /** What the thread's last sign of life was, and when it came. */
  #heartbeat = 0
  #heartbeatMs = performance.now()
  /** In which file call it was when it was looked at, and since when. */
  #fileCalls = 0
  #fileCallMs = 0

  constructor ({ part, owner, place, found, wanted, pieces, target, untold, onEnd }: RunningPartOptions, { name, fetchPart, naming, credentials, down, deadlines }: Pick<DownloadContext, 'name' | 'fetchPart' | 'naming' | 'credentials' | 'down' | 'deadlines'>) {
    // What a thread is handed is copied field by field: no more than it reads.
    const { connectMs, firstLineMs, dataStallMs } = deadlines
    const { firstPiece, endPiece } = part
    const { filename, size, digest, pieceLength } = found
    this.part = part
    this.owner = owner
    this.place = place
    this.#endPiece = endPiece
    this.#toldPiece = firstPiece
    this.#threadHangMs = deadlines.threadHangMs
    this.#control = PartControl.forPart(firstPiece, endPiece)
    this.ended = fetchPart({
      filename,
      name,
      size,
      digest,
      pieceLength,
      owner: { host: owner.host, port: owner.outputPort },
      credentials: credentials?.data,
      firstPiece,
      endPiece,
      offsets: offsetsOf(wanted.layout, part),
      ranges: wanted.rangesOf(part),
      of: wanted.of,
      isPatient: part.isPatient,
      pieces: pieces && forThread(pieces.subarray(firstPiece * PIECE_DIGEST_BYTES, endPiece * PIECE_DIGEST_BYTES)),
      path: place.path,
      files: place.files,
      origin: wanted.layout.offsetOf(place.originPiece),
      isWindow: place.isWindow,
      isBlank: place.isBlank,
      target,
      naming,
      ...(target !== undefined && { isExecutable: isExecutable(found) }),
      untold,
      control: this.#control.buffer,
      down: down.buffer,
      deadlines: { connectMs, firstLineMs, dataStallMs },
    }, this.#kill.signal).then((file) => {
      if (file) this.#control.verifiedPiece = endPiece
      return { file }
    }, (error: unknown) => ({ failure: toPiecemealError(error) })).then(onEnd)
  }

  /** Of the thread that has begun with it; 0 before. */
  get threadId (): number {
    return this.#control.threadId
  }

  get verifiedPiece (): number {
    return this.#control.verifiedPiece
  }

  /** To its owner; 0 while that is not known. */
  get roundTripMs (): number {
    return this.#control.roundTripMs
  }

  get receivedBytes (): number {
    return this.#control.receivedBytes
  }

  /** The whole file that its thread was about to name. */
  get untold (): UntoldFile | undefined {
    const { file } = this.#control
    return file && { path: this.place.path, ...file }
  }

  /** Its good pieces so far. */
  get run (): PlacedRun {
    const { path, originPiece } = this.place
    return { firstPiece: this.part.firstPiece, endPiece: Math.min(this.#endPiece, this.verifiedPiece), path, originPiece }
  }

  /** Its good pieces so far, if there are more than when they were taken before. */
  takeNewRun (): PlacedRun | undefined {
    const { run } = this
    if (run.endPiece <= this.#toldPiece) return undefined
    this.#toldPiece = run.endPiece
    return run
  }

  /** Before this piece. @returns the piece from which on its thread writes nothing */
  stopEarlier (endPiece: number): number {
    this.#endPiece = endPiece
    return this.#control.stopBefore(endPiece)
  }

  cancel (): void {
    this.#control.cancel()
  }

  /** How long its thread has been waiting for the disk, in the file call that it is in: as far as it was looked at. */
  diskWaitMs (nowMs: number): number {
    return isInFileCall(this.#fileCalls) ? nowMs - this.#fileCallMs : 0
  }

  /** Ends a thread that has given no sign of life for long, and waits for no disk. To be called again and again. */
  killIfStuck (nowMs: number): void {
    const { heartbeat, fileCalls } = this.#control
    if (fileCalls !== this.#fileCalls) {
      this.#fileCalls = fileCalls
      this.#fileCallMs = nowMs
    }
    if (heartbeat !== this.#heartbeat || isInFileCall(fileCalls)) {
      this.#heartbeat = heartbeat
      this.#heartbeatMs = nowMs
    } else if (nowMs - this.#heartbeatMs > this.#threadHangMs) this.#kill.abort()
  }
}

function isInFileCall (fileCalls: number): boolean {
  return fileCalls % 2 === 1
}

/** A copy, for of a view all that is behind it would go to the thread; but a manifest is in memory that threads share. */
function forThread (pieces: PieceList): Uint8Array {
  return pieces.buffer instanceof SharedArrayBuffer ? pieces : Uint8Array.from(pieces)
}
