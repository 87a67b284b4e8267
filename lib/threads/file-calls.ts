/**
 * A thread that is in a file call waits for a disk, for as long as the disk takes: it is not stuck.
 * It tells so before each call, for all parts that it has in hand.
 */
import type { PartControl } from './part-control.js'

const inHand = new Set<PartControl>()

export function takeInHand (control: PartControl): void {
  inHand.add(control)
}

export function letGo (control: PartControl): void {
  inHand.delete(control)
}

/** Makes a synchronous file call, or a few of them. Not one within another. */
export function callFiles<T> (call: () => T): T {
  for (const control of inHand) control.countFileCall()
  try {
    return call()
  } finally {
    for (const control of inHand) control.countFileCall()
  }
}
