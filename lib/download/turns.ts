/**
 * How many downloads of a node run at once. One that gets nowhere steps aside where others wait, and
 * has no turn then. Once its owner answers again it has the next one, before those that have not begun.
 */
import { PiecemealError } from '../protocol/errors.js'

/** How long a download that gets nowhere keeps a turn that others want. */
const TRIAL_MS = 5_000
/** The same where many downloads hang: a healthy one would wait too long behind others that will hang as well. */
const SHORT_TRIAL_MS = 1_000

export class DownloadTurns {
  readonly #count: number
  readonly #mostAside: number
  /** Those that have not begun, and those that have stepped aside and want to go on; each is woken by its call. */
  readonly #waiting = { new: new Set<() => void>(), begun: new Set<() => void>() }
  #taken = 0
  #aside = 0

  /** @param mostAside how many may have stepped aside */
  constructor (count: number, mostAside: number) {
    this.#count = count
    this.#mostAside = mostAside
  }

  /** Waits for a turn. @throws E_INTERRUPTED once the signal is aborted. */
  async begin (signal: AbortSignal): Promise<Turn> {
    await this.#take(signal, this.#waiting.new)
    if (signal.aborted) {
      this.#giveBack()
      throw stopped()
    }
    return new Turn({
      isWanted: () => this.#waiting.new.size + this.#waiting.begun.size > 0,
      trialMs: () => this.#aside < this.#count ? TRIAL_MS : SHORT_TRIAL_MS,
      giveBack: () => this.#giveBack(),
      stepAside: () => this.#stepAside(),
      comeBack: async (signal) => {
        await this.#take(signal, this.#waiting.begun)
        this.#aside--
      },
      leave: () => { this.#aside-- },
    })
  }

  async #take (signal: AbortSignal, waiting: Set<() => void>): Promise<void> {
    if (signal.aborted) throw stopped()
    if (this.#taken < this.#count) {
      this.#taken++
      return
    }
    await new Promise<void>((resolve, reject) => {
      const wake = (): void => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const leave = (): void => {
        waiting.delete(wake)
        reject(stopped())
      }
      waiting.add(wake)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  #giveBack (): void {
    const waiting = this.#waiting.begun.size > 0 ? this.#waiting.begun : this.#waiting.new
    const [wake] = waiting
    if (wake === undefined) {
      this.#taken--
      return
    }
    waiting.delete(wake)
    wake()
  }

  #stepAside (): void {
    if (this.#aside >= this.#mostAside) {
      throw new PiecemealError('E_LIMIT', `${this.#mostAside} downloads wait already for owners that do not answer, the most that may`)
    }
    this.#aside++
    this.#giveBack()
  }
}

interface TurnMoves {
  isWanted: () => boolean
  trialMs: () => number
  giveBack: () => void
  stepAside: () => void
  comeBack: (signal: AbortSignal) => Promise<void>
  leave: () => void
}

/** Of one download, from its beginning to its end. */
export class Turn {
  readonly #moves: TurnMoves
  #state: 'held' | 'aside' | 'over' = 'held'

  constructor (moves: TurnMoves) {
    this.#moves = moves
  }

  get isHeld (): boolean {
    return this.#state === 'held'
  }

  /** Whether another download waits for it. */
  get isWanted (): boolean {
    return this.isHeld && this.#moves.isWanted()
  }

  /** How long it may get nowhere before it is to step aside for others. */
  get trialMs (): number {
    return this.#moves.trialMs()
  }

  /** @throws E_LIMIT if too many have done so. */
  stepAside (): void {
    if (!this.isHeld) return
    this.#moves.stepAside()
    this.#state = 'aside'
  }

  /** Waits for a turn again, if it has none. @throws E_INTERRUPTED once the signal is aborted. */
  async comeBack (signal: AbortSignal): Promise<void> {
    if (this.#state !== 'aside') return
    await this.#moves.comeBack(signal)
    this.#state = 'held'
  }

  /** Safe to call twice. */
  end (): void {
    if (this.#state === 'held') this.#moves.giveBack()
    else if (this.#state === 'aside') this.#moves.leave()
    this.#state = 'over'
  }
}

function stopped (): PiecemealError {
  return new PiecemealError('E_INTERRUPTED', 'stopped before its turn came')
}
