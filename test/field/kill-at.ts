/**
 * Loaded before anything else into a process that is to be killed: before the call of that number, KILL_AT,
 * of those by which an update notes, moves, exchanges and forgets. Which that is is written to KILL_LOG.
 */
import { appendFileSync } from 'node:fs'
import files from 'node:fs/promises'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { isMainThread } from 'node:worker_threads'

type Call = (...args: unknown[]) => unknown

/** Notes of an update, and what lies beside a target. */
const STEP = /\.update|\.piecemeal-\d+-/
const { KILL_AT = '', KILL_LOG = '' } = process.env
let calls = 0

function step (name: string): void {
  if (++calls !== Number(KILL_AT)) return
  appendFileSync(KILL_LOG, `${name}\n`)
  process.kill(process.pid, 'SIGKILL')
}

function patch (of: object, ...names: string[]): void {
  const known = of as Record<string, Call>
  for (const name of names) {
    const call = known[name]
    if (call === undefined) throw new Error(`there is no ${name}`)
    known[name] = (...args) => {
      if (args.some((arg) => typeof arg === 'string' && STEP.test(arg))) step(name)
      return call(...args)
    }
  }
}

if (isMainThread && KILL_AT !== '') {
  patch(files, 'rename', 'rm', 'writeFile')
  patch(createRequire(import.meta.url)('fs-native-extensions') as object, 'swapSync')
  syncBuiltinESMExports()
}
