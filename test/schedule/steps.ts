/** One order of a schedule at a time, for tests that look closely; each step has a look at the running parts. */
import type { PiecemealError } from '../../lib/protocol/errors.js'
import type { Machine, Order, PartToStart } from '../../lib/schedule/orders.js'
import type { Schedule } from '../../lib/schedule/schedule.js'

const IDLE: Machine = { slots: Infinity, streams: Infinity, isBusy: false }

/** The next part that is started, if one is, and which is shortened for it. */
export function next (schedule: Schedule, nowMs: number, machine: Partial<Machine> = {}): { part: PartToStart, shortened?: { id: number, endPiece: number } } | undefined {
  let before: Order | undefined
  for (const order of schedule.step(nowMs, { ...IDLE, mayAsk: false, ...machine, slots: 1 })) {
    if (order.order === 'start') {
      const { part } = order
      const shortened = before?.order === 'shorten' && before.endPiece === part.firstPiece ? { id: before.id, endPiece: before.endPiece } : undefined
      return { part, ...(shortened && { shortened }) }
    }
    before = order
  }
  return undefined
}

/** All but what is started. */
export function ordersBesideParts (schedule: Schedule, nowMs: number, machine: Partial<Machine> = {}): Order[] {
  return [...schedule.step(nowMs, { ...IDLE, ...machine, slots: 0 })]
}

export function shortened (schedule: Schedule, nowMs: number, machine: Partial<Machine> = {}): Array<{ id: number, endPiece: number }> {
  return ordersBesideParts(schedule, nowMs, { ...machine, mayAsk: false }).flatMap((order) => order.order === 'shorten' ? [{ id: order.id, endPiece: order.endPiece }] : [])
}

/** The owners that are asked what they have, or gave away. */
export function asked (schedule: Schedule, nowMs: number): string[] {
  return ordersBesideParts(schedule, nowMs).flatMap((order) => order.order === 'ask have' || order.order === 'ask sent' ? [order.owner] : [])
}

export function failure (schedule: Schedule, nowMs: number): PiecemealError | undefined {
  for (const order of ordersBesideParts(schedule, nowMs, { mayAsk: false })) if (order.order === 'fail') return order.failure
  return undefined
}
