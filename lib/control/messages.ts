/** What goes over a control socket, one JSON object a line; the first line each way says who speaks. */
import * as check from '../protocol/check.js'

/** Of the language. `status` and `down` are understood in every one. */
export const CONTROL = 1
const MOST_WORDS = 10_000

const hello = { piecemeal: check.string, control: check.integer(1, 1_000_000) }
const request = { id: check.integer(0, Number.MAX_SAFE_INTEGER), command: check.array(check.string, MOST_WORDS) }

export type Hello = check.Checked<typeof hello>
export type Request = check.Checked<typeof request>

/** Anything the node tells of a request, and at last `done` with its exit status. */
export type ControlEvent = { id: number, event: string } & Record<string, unknown>

export const parseHello = (value: unknown): Hello => check.checkShape(hello, value)
export const parseRequest = (value: unknown): Request => check.checkShape(request, value)

export function parseEvent (value: Record<string, unknown>): ControlEvent {
  const { id, event } = check.checkShape({ id: check.integer(0, Number.MAX_SAFE_INTEGER), event: check.string }, value)
  return { ...value, id, event }
}
