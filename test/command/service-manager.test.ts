import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { notifyReady } from '../../lib/command/service-manager.js'
import { tempDir } from '../helpers/files.js'

/** In the place of `systemd-notify`: notes what it is asked, and fails so many times. */
async function helper (t: Test, failures: number): Promise<{ path: string, asked: () => string[] }> {
  const dir = await tempDir(t)
  const [program, log] = [join(dir, 'systemd-notify'), join(dir, 'log')]
  writeFileSync(program, `#!/bin/sh\necho "$@" >> '${log}'\n[ "$(/usr/bin/wc -l < '${log}')" -gt ${failures} ]\n`)
  chmodSync(program, 0o700)
  return { path: dir, asked: () => existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [] }
}

async function told (path: string, socket?: string): Promise<string[]> {
  const warnings: string[] = []
  await notifyReady((message) => warnings.push(message), { PATH: path, NOTIFY_SOCKET: socket })
  return warnings
}

await t.test('what is lost is said again, up to five times, and its end is waited for', async (t) => {
  const { path, asked } = await helper(t, 3)
  t.strictSame(await told(path, '/run/x'), [])
  t.strictSame(asked(), Array(4).fill(`--ready --pid=${process.pid}`))
})

await t.test('what can\'t be said is told once, with what to do', async (t) => {
  const { path, asked } = await helper(t, 100)
  t.match(await told(path, '/run/x'), [/it ended with 1\): set Type=exec in a drop-in/])
  t.equal(asked().length, 5)
  t.match(await told(await tempDir(t), '/run/x'), [/ENOENT\): set Type=exec/])
})

await t.test('where nobody waits nothing is started', async (t) => {
  const { path, asked } = await helper(t, 0)
  t.strictSame(await told(path), [])
  t.strictSame(asked(), [])
})
