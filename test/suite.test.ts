/**
 * What `npm test` runs: each file of some rooms in a process of its own, and all other rooms together in a
 * few (`at-once`). As tap does it, but without its loader, which costs a process of ours two seconds of
 * processor time for what nobody asks it. Commands run from `bundle/`: that is what is installed.
 */
import t from 'tap'
import { ROOMS_OF_PROCESSES, testsIn } from './at-once/rooms.js'
import { ROOT } from './helpers/command.js'

/** For one file, on a machine that may be busy. */
const FILE_SECONDS = 300

// Tests of processes wait as much as they work.
t.jobs = 3
t.setTimeout(20 * 60_000)

// The first are the longest.
for (const file of ROOMS_OF_PROCESSES.flatMap(testsIn)) {
  // By way of `env`: tap would add its loader to the options of Node.
  void t.spawn('env', ['-u', 'NODE_OPTIONS', process.execPath, file], {
    name: file,
    cwd: ROOT,
    env: { ...process.env, PIECEMEAL_BUILT: 'bundle', TAP_TIMEOUT: String(FILE_SECONDS) },
    timeout: FILE_SECONDS * 1_000,
    buffered: true,
  })
}
