import type { Writable } from 'node:stream'

const gathering = new WeakSet<Writable>()

/** What is written from now on leaves with the end of this turn of the event loop, in one write: each costs a system call, and wakes the other side. */
export function gatherWrites (stream: Writable): void {
  if (gathering.has(stream)) return
  gathering.add(stream)
  stream.cork()
  // Not in the next tick: each event of a turn has ticks of its own.
  setImmediate(() => {
    gathering.delete(stream)
    stream.uncork()
  })
}
