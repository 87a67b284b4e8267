const STOP_PIECE = 0
const VERIFIED_PIECE = 1
const IS_CANCELLED = 2
const HEARTBEAT = 3
const THREAD = 4
const FILE_CALLS = 5
const CLAIMED_PIECE = 6
const ROUND_TRIP = 7
const INT32_FIELDS = 8

const RECEIVED = 0
const FILE_INO = 1
const FILE_MTIME_NS = 2
const INT64_FIELDS = 3

/**
 * A few numbers that both threads see, so that progress and a change of mind cost no message.
 * The main thread writes where to stop, the worker writes how far it has come.
 */
export class PartControl {
  readonly buffer: SharedArrayBuffer
  readonly #fields: Int32Array
  readonly #longs: BigInt64Array

  static forPart (firstPiece: number, endPiece: number): PartControl {
    const control = new PartControl(new SharedArrayBuffer(INT32_FIELDS * 4 + INT64_FIELDS * 8))
    control.stopBefore(endPiece)
    control.verifiedPiece = firstPiece
    return control
  }

  constructor (buffer: SharedArrayBuffer) {
    this.buffer = buffer
    this.#longs = new BigInt64Array(buffer, 0, INT64_FIELDS)
    this.#fields = new Int32Array(buffer, INT64_FIELDS * 8, INT32_FIELDS)
  }

  /** The part ends before this piece. */
  get stopPiece (): number {
    return Atomics.load(this.#fields, STOP_PIECE)
  }

  /**
   * The worker is about to write the pieces before this one. It says so before it asks where to stop,
   * and `stopBefore` does both in the other order, so at least one of the two hears of the other.
   *
   * @returns the piece before which it has to stop, if that comes earlier
   */
  claim (endPiece: number): number {
    Atomics.store(this.#fields, CLAIMED_PIECE, endPiece)
    return Math.min(endPiece, this.stopPiece)
  }

  /**
   * The part is to end earlier, for its tail is given to another owner.
   *
   * @returns the piece from which on the worker writes nothing: later than asked for, if it was about to
   */
  stopBefore (piece: number): number {
    Atomics.store(this.#fields, STOP_PIECE, piece)
    return Math.max(piece, Atomics.load(this.#fields, CLAIMED_PIECE))
  }

  /** The first piece that is not yet written and known to be good. */
  get verifiedPiece (): number {
    return Atomics.load(this.#fields, VERIFIED_PIECE)
  }

  set verifiedPiece (piece: number) {
    Atomics.store(this.#fields, VERIFIED_PIECE, piece)
  }

  get isCancelled (): boolean {
    return Atomics.load(this.#fields, IS_CANCELLED) === 1
  }

  cancel (): void {
    Atomics.store(this.#fields, IS_CANCELLED, 1)
  }

  /** Grows while the worker's thread is alive and not stuck. */
  get heartbeat (): number {
    return Atomics.load(this.#fields, HEARTBEAT)
  }

  beat (): void {
    Atomics.add(this.#fields, HEARTBEAT, 1)
  }

  /** File calls that the worker's thread has begun and ended: odd while it is in one. */
  get fileCalls (): number {
    return Atomics.load(this.#fields, FILE_CALLS)
  }

  countFileCall (): void {
    Atomics.add(this.#fields, FILE_CALLS, 1)
  }

  /** The `threadId` of the worker that is at it, once one is. */
  get threadId (): number {
    return Atomics.load(this.#fields, THREAD)
  }

  set threadId (id: number) {
    Atomics.store(this.#fields, THREAD, id)
  }

  /** How long a round trip to the owner takes, once a connection has told; 0 before. */
  get roundTripMs (): number {
    return Atomics.load(this.#fields, ROUND_TRIP)
  }

  set roundTripMs (ms: number) {
    Atomics.store(this.#fields, ROUND_TRIP, ms)
  }

  /** Bytes of the part that have come, checked or not. */
  get receivedBytes (): number {
    return Number(Atomics.load(this.#longs, RECEIVED))
  }

  set receivedBytes (bytes: number) {
    Atomics.store(this.#longs, RECEIVED, BigInt(bytes))
  }

  /** The whole file that the worker is about to name, once there is one: should its thread die before it tells, this tells which it was. */
  get file (): { ino: bigint, mtimeNs: bigint } | undefined {
    const [ino, mtimeNs] = [Atomics.load(this.#longs, FILE_INO), Atomics.load(this.#longs, FILE_MTIME_NS)]
    return mtimeNs === 0n ? undefined : { ino, mtimeNs }
  }

  setFile ({ ino, mtimeNs }: { ino: bigint, mtimeNs: bigint }): void {
    Atomics.store(this.#longs, FILE_INO, ino)
    Atomics.store(this.#longs, FILE_MTIME_NS, mtimeNs)
  }
}
