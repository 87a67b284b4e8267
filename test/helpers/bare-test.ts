/**
 * A file of tests in a process of its own, as tap runs it, but without tap's loader: that costs a process
 * of ours two seconds of processor time for what nobody asks it. Commands run from `bundle/`, which is
 * what is installed.
 */
import type { Test } from 'tap'
import { ROOT } from './command.js'

/** For one file, on a machine that may be busy. */
const FILE_SECONDS = 300
/** Tests of both ways are named after them. Each is many processes. */
const WITH_A_SECRET = '/^with a secret/'

export function runBare (t: Test, file: string, secret?: 'with a secret' | 'without'): void {
  const only = { TAP_GREP: WITH_A_SECRET, ...(secret === 'without' && { TAP_INVERT: '1' }) }
  // By way of `env`: tap would add its loader to the options of Node.
  void t.spawn('env', ['-u', 'NODE_OPTIONS', process.execPath, file], {
    name: file,
    cwd: ROOT,
    env: { ...process.env, PIECEMEAL_BUILT: 'bundle', TAP_TIMEOUT: String(FILE_SECONDS), ...(secret && only) },
    timeout: FILE_SECONDS * 1_000,
    buffered: true,
  })
}
