/** A thread of its own for multicast DNS, because of what its library may throw. */
import { parentPort, workerData } from 'node:worker_threads'
import type { DiscoveryThreadData } from '../lib/discovery/messages.js'
import { discover } from '../lib/discovery/multicast.js'

if (parentPort === null) throw new Error('not a worker thread')
discover(parentPort, workerData as DiscoveryThreadData)
