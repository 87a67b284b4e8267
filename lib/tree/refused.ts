/** Paths that something is wrong with: how many, and the first of them with the reason, for a message. */
import { PiecemealError, type ErrorCode } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'

/** Named in a message; of the others only the number is told. */
export const NAMED = 10

export class Refused {
  count = 0
  readonly first: string[] = []

  add (path: string, why?: string): void {
    this.count++
    if (this.first.length < NAMED) this.first.push(why === undefined ? quote(path) : `${quote(path)} (${why})`)
  }

  /** `2 paths: "a" (a pipe), "b" (a socket)` */
  toString (): string {
    const others = this.count > this.first.length ? ` and ${this.count - this.first.length} more` : ''
    return `${this.count} path${this.count === 1 ? '' : 's'}: ${this.first.join(', ')}${others}`
  }

  /** @param what begins the message */
  error (code: ErrorCode, what: string): PiecemealError {
    return new PiecemealError(code, `${what} ${this.toString()}`)
  }
}
