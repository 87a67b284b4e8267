/** A tracker in a process of its own, for those who want to know what it holds: told anything, it says how much of its heap is in use. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Tracker } from '../../lib/tracker/tracker.js'

const tracker = new Tracker({ port: 0 })
const { port } = await tracker.start()
process.on('message', () => {
  void usedBytes().then((bytes) => process.send?.(bytes))
})
process.send?.(port)

/** What is freed with a turn of the event loop is not counted, nor what that frees. */
async function usedBytes (): Promise<number> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.()
    await sleep(0)
  }
  return process.memoryUsage().heapUsed
}
