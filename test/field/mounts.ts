/** File systems that a test mounts for itself, and that go with it. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ROOT, type Scope } from '../helpers/command.js'

export interface Mount {
  /** A folder of the test's own. */
  dir: string
  /** Where something can be mounted. */
  mountPoint: string
}

/** @returns what it prints */
export function run (command: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`)
  return stdout.trim()
}

/** What is mounted goes before the folder it is in. */
export function unmountAfter (t: Scope, mountPoint: string): void {
  t.teardown(() => { spawnSync('umount', ['-l', mountPoint]) })
}

export function mountExt4 (t: Scope, { dir, mountPoint }: Mount, bytes: number, ...options: string[]): void {
  run('mkfs.ext4', '-q', '-m', '0', ...options, makeImage(dir, bytes))
  run('mount', '-o', 'loop', join(dir, 'image'), mountPoint)
  unmountAfter(t, mountPoint)
}

function makeImage (dir: string, bytes: number): string {
  const image = join(dir, 'image')
  writeFileSync(image, '')
  truncateSync(image, bytes)
  return image
}

export async function mountOdd (t: Scope, { dir, mountPoint }: Mount, ...lacks: string[]): Promise<void> {
  const behind = behindOdd(dir)
  mkdirSync(behind, { recursive: true })
  const server = spawn('/usr/bin/python3', [join(ROOT, 'test/field/odd-fs.py'), behind, mountPoint, ...lacks], { stdio: 'ignore', env: { PATH: process.env.PATH } })
  const ended = once(server, 'exit')
  t.teardown(async () => {
    server.kill('SIGKILL')
    await ended
  })
  unmountAfter(t, mountPoint)
  for (const until = performance.now() + 10_000; spawnSync('mountpoint', ['-q', mountPoint]).status !== 0;) {
    if (performance.now() > until || server.exitCode !== null) throw new Error('no FUSE file system: apt-get install python3-fusepy')
    await sleep(50)
  }
}

/** On a disk that takes so many bytes a second: it is a file of the odd file system. What reads it is as fast as ever. */
export async function mountSlow (t: Scope, { dir, mountPoint }: Mount, bytes: number, bytesPerSecond: number): Promise<void> {
  const [disk, behind] = [join(dir, 'disk'), behindOdd(dir)]
  for (const folder of [disk, behind]) mkdirSync(folder)
  run('mkfs.ext4', '-q', '-m', '0', '-E', 'lazy_itable_init=0,lazy_journal_init=0', makeImage(behind, bytes))
  await mountOdd(t, { dir, mountPoint: disk }, `rate=${bytesPerSecond}`)
  // Past the cache: it is to be the disk that is waited for, and not another file system.
  const device = run('losetup', '-f', '--show', '--direct-io=on', join(disk, 'image'))
  t.teardown(() => { spawnSync('losetup', ['-d', device]) })
  run('mount', device, mountPoint)
  t.teardown(() => { spawnSync('umount', [mountPoint]) })
}

export function mountExfat (t: Scope, { dir, mountPoint }: Mount, bytes: number): void {
  const image = makeImage(dir, bytes)
  run('mkfs.exfat', image)
  const device = run('losetup', '-f', '--show', image)
  t.teardown(() => { spawnSync('losetup', ['-d', device]) })
  run('mount.exfat-fuse', device, mountPoint)
  unmountAfter(t, mountPoint)
}

/** The folder that the odd file system hands everything on to. */
export function behindOdd (dir: string): string {
  return join(dir, 'behind')
}
