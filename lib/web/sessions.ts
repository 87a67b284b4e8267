/** Browsers that have shown the token: known in memory alone, so all end with the process. */
import { randomBytes } from 'node:crypto'
import { HTTP_SESSION_MS, HTTP_SESSIONS } from '../protocol/limits.js'

const ID_BYTES = 32

export class Sessions {
  readonly #now: () => number
  /** Id → when it ends; the oldest first. */
  readonly #ends = new Map<string, number>()

  constructor (now: () => number = () => performance.now()) {
    this.#now = now
  }

  begin (): string {
    const [oldest] = this.#ends.keys()
    if (oldest !== undefined && this.#ends.size >= HTTP_SESSIONS) this.#ends.delete(oldest)
    const id = randomBytes(ID_BYTES).toString('base64url')
    this.#ends.set(id, this.#now() + HTTP_SESSION_MS)
    return id
  }

  has (id: string): boolean {
    const endMs = this.#ends.get(id)
    return endMs !== undefined && this.#now() < endMs
  }

  end (id: string): void {
    this.#ends.delete(id)
  }
}
