/** The commands as README.md shows them: piped to by `printf` in a shell. */
import { readdirSync } from 'node:fs'
import { cp, mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { quote } from 'shlex'
import t from 'tap'
import { Command, ROOT } from '../helpers/command.js'
import { firstDifference, hiddenLeftovers, tempDir, visibleFiles, writePseudoRandom } from '../helpers/files.js'
import { nodeFolder, startNode, startTracker } from '../helpers/piecemeal.js'
import { freePort } from '../helpers/ports.js'

const BYTES = 2_500_000

void t.test('a whole script: printf pipes a download and exit', async (t) => {
  const dir = await tempDir(t)
  const tracker = await startTracker(t)
  const owner = await startNode(t, { name: 'owner', tracker, dir })
  await writePseudoRandom(join(owner.folder, 'a.png'), BYTES)
  await owner.upload('a.png')
  const [input, output] = [await freePort(), await freePort()]

  const script = "printf 'torrent -setMode download a.png\\ntorrent exit\\n' | " +
    `bin/node -n NodeC -p ${input} ${output} -t 127.0.0.1:${tracker.port} -d ${quote(dir)}`
  const shell = new Command(t, 'sh', ['-c', script], { cwd: ROOT })
  t.strictSame(await shell.exit(), { status: 0, signal: null })
  t.equal(shell.lines[0], `NodeC listening: input 127.0.0.1:${input}, output 127.0.0.1:${output}`)
  t.match(shell.stdout, /^saved a\.png /m)
  t.equal(shell.stderr, '')
  t.equal(await firstDifference(join(dir, 'NodeC', 'a.png'), join(owner.folder, 'a.png')), undefined)
  t.strictSame(await hiddenLeftovers(join(dir, 'NodeC')), [])
})

void t.test('printf pipes an upload: it serves on until SIGTERM, and the downloader runs through a link, from elsewhere, below node_files', async (t) => {
  const dir = await tempDir(t)
  const tracker = await startTracker(t)
  await writePseudoRandom(join(nodeFolder(dir, 'NodeA'), 'a.png'), BYTES)
  const owner = new Command(t, 'sh', ['-c', "printf 'torrent -m upload a.png\\n' | " +
    `bin/node -n NodeA -t 127.0.0.1:${tracker.port} -d ${quote(dir)} & echo pid $!; wait $!`], { cwd: ROOT })
  const [, pid] = await owner.waitFor(/^pid (\d+)/m)
  await owner.waitFor(/^sharing a\.png /m)

  await mkdir(join(dir, 'elsewhere'))
  await symlink(join(ROOT, 'bin', 'node'), join(dir, 'elsewhere', 'linked-node'))
  const fetcher = new Command(t, 'sh', ['-c', "printf 'torrent -m download a.png\\n' | " +
    `./linked-node -n NodeC -t 127.0.0.1:${tracker.port}`], { cwd: join(dir, 'elsewhere') })
  t.strictSame(await fetcher.exit(), { status: 0, signal: null }, 'without exit it leaves when its download is done')
  t.equal(await firstDifference(join(dir, 'elsewhere', 'node_files', 'NodeC', 'a.png'), join(dir, 'NodeA', 'a.png')), undefined)

  t.equal(owner.exited, undefined, 'the owner still runs')
  process.kill(Number(pid), 'SIGTERM')
  t.strictSame(await owner.exit(5_000), { status: 0, signal: null })
})

void t.test('the tracker runs until a signal, as the first line says', async (t) => {
  const port = await freePort()
  const shell = new Command(t, 'sh', ['-c', `bin/tracker -p ${port} & echo pid $!; wait $!`], { cwd: ROOT })
  const [, pid] = await shell.waitFor(/^pid (\d+)/m)
  await shell.waitFor(new RegExp(`^tracker listening on 127\\.0\\.0\\.1:${port}\n`, 'm'))
  process.kill(Number(pid), 'SIGTERM')
  t.strictSame(await shell.exit(5_000), { status: 0, signal: null })
})

void t.test('standard input that is closed is one that has ended', async (t) => {
  const dir = await tempDir(t)
  const tracker = await startTracker(t)
  const shell = new Command(t, 'sh', ['-c', `bin/node -n NodeC -t 127.0.0.1:${tracker.port} -d ${quote(dir)} <&-`], { cwd: ROOT })
  t.strictSame(await shell.exit(), { status: 0, signal: null })
  t.match(shell.stdout, /^NodeC listening: /)
})

void t.test('file calls and look-ups have 16 threads, or as many as the user says', async (t) => {
  const threadsOf = async (setting: string): Promise<number> => {
    const tracker = new Command(t, 'env', [...setting.split(' ').filter((word) => word !== ''), join(ROOT, 'bin', 'tracker'), '-p', '0'])
    await tracker.waitFor(/^tracker listening/m)
    return readdirSync(`/proc/${tracker.pid}/task`).length
  }
  const four = await threadsOf('UV_THREADPOOL_SIZE=4')
  t.equal(await threadsOf('-u UV_THREADPOOL_SIZE'), four + 12)
  t.equal(await threadsOf('UV_THREADPOOL_SIZE=5'), four + 1)
})

for (const name of ['tracker', 'node']) {
  void t.test(`bin/${name} without a build says so in one line`, async (t) => {
    const dir = await tempDir(t)
    await cp(join(ROOT, 'bin'), join(dir, 'bin'), { recursive: true })
    await cp(join(ROOT, 'package.json'), join(dir, 'package.json'))
    const command = new Command(t, join(dir, 'bin', name), ['-n', 'NodeC'], { cwd: dir })
    t.strictSame(await command.exit(), { status: 1, signal: null })
    t.match(command.stderr, /^[^\n]*npm[^\n]*\n$/)
    t.equal(command.stdout, '')
    t.strictSame(await visibleFiles(dir), ['bin', 'package.json'], 'nothing was started')
  })
}
