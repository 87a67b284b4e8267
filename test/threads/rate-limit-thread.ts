/** A thread that takes one byte after the other, by a clock that stands still. */
import { parentPort, workerData } from 'node:worker_threads'
import { RateLimit } from '../../lib/threads/rate-limit.js'

const { buffer, takes } = workerData as { buffer: SharedArrayBuffer, takes: number }
const limit = new RateLimit(buffer, () => 0n)
for (let i = 0; i < takes; i++) limit.take(1)
parentPort?.postMessage('done')
