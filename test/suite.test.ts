/**
 * What `npm test` runs: each file of some rooms in a process of its own, and all other rooms together in a
 * few (`at-once`).
 */
import t from 'tap'
import { BOTH_WAYS, ROOMS_OF_PROCESSES, testsIn } from './at-once/rooms.js'
import { runBare } from './helpers/bare-test.js'

// Most of them wait as much as they work: two processors are idle a third of the time with four.
t.jobs = 5
t.setTimeout(20 * 60_000)

// The first work most; those after them wait most.
for (const file of ROOMS_OF_PROCESSES.flatMap(testsIn)) runBare(t, file, BOTH_WAYS.includes(file) ? 'without' : undefined)
