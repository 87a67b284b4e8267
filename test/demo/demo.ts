/**
 * `npm run demo`: a tracker and three nodes on this machine, in a temporary folder. Two nodes share
 * files, the third fetches them, and what came is compared with what went by another digest.
 */
import { randomBytes } from 'node:crypto'
import { copyFile, cp, link } from 'node:fs/promises'
import { join } from 'node:path'
import { join as shellJoin } from 'shlex'
import type { ProgressEvent, SavedEvent } from '../../lib/index.js'
import { formatBytes, formatRate, formatSeconds } from '../../lib/ui/format.js'
import type { Failure, Reports } from '../../lib/ui/reporter.js'
import { textReporter } from '../../lib/ui/text.js'
import { ROOT } from '../helpers/command.js'
import { sha256, writePseudoRandom } from '../helpers/files.js'
import type { Command } from './command.js'
import { perform } from './perform.js'
import { Screen } from './screen.js'
import { Stage } from './stage.js'

const BIG_FILE = 'random.bin'
const BIG_BYTES = 256 * 1_024 ** 2
const DEADLINE_MS = 120_000
/** In the place of a digest. */
const MISSING = 'missing'

/** Which node shares what; the third has none of it. */
const SHARED = {
  NodeA: ['mandelbrot.png', 'notes.txt', BIG_FILE],
  NodeB: ['mandelbrot.png', 'measurements.tar.gz', BIG_FILE],
} as const
const WANTED = ['mandelbrot.png', 'notes.txt', 'measurements.tar.gz', BIG_FILE]

/** A line of `bin/node --json`. */
type Report = { [Name in keyof Reports]: { event: Name } & Reports[Name] }[keyof Reports]

const screen = new Screen(process.stdout)
const stage = new Stage({ name: 'piecemeal-demo', deadlineMs: DEADLINE_MS })
const { folder, signal } = stage
const running = new Map<string, Command>()

/** Whether all went well. */
async function main (): Promise<boolean> {
  screen.headline('Two nodes that have files')
  await makeFolders()
  const tracker = await startTracker()
  for (const [name, files] of Object.entries(SHARED)) await startOwner(name, files, tracker)

  screen.headline('A third node fetches all of them')
  const saved = await download(tracker)

  screen.headline('What came from where')
  showSummary(saved)

  screen.headline('The same, by SHA-256?')
  const isSame = await compare()

  screen.headline('Everybody leaves')
  const hasLeft = await leave()
  return saved.length === WANTED.length && isSame && hasLeft
}

async function makeFolders (): Promise<void> {
  screen.line(`in ${folder}: copies of fixtures/, and a file of ${formatBytes(BIG_BYTES)} of random bytes for both`)
  for (const name of Object.keys(SHARED)) await cp(join(ROOT, 'fixtures', name), join(folder, name), { recursive: true })
  const big = join(folder, 'NodeA', BIG_FILE)
  await writePseudoRandom(big, BIG_BYTES, randomBytes(16).toString('hex'))
  const same = join(folder, 'NodeB', BIG_FILE)
  await link(big, same).catch(async () => await copyFile(big, same))
}

/** @returns its address, as the others are told it */
async function startTracker (): Promise<string> {
  const tracker = start('tracker', ['bin/tracker', '-p', '0'])
  show('tracker', tracker)
  const [address = ''] = await tracker.read(1, signal, (line) => /^tracker listening on (.+)$/.exec(line)?.[1])
  return address
}

async function startOwner (name: string, files: readonly string[], tracker: string): Promise<void> {
  const node = start(name, ['bin/node', '-n', name, '-t', tracker, '-d', folder])
  show(name, node)
  await node.read(1, signal, (line) => line.startsWith(`${name} listening:`) || undefined)
  const shared = node.read(files.length, signal, (line) => /^(?:sharing|failed) /.exec(line)?.[0])
  type(name, shellJoin(['torrent', '-setMode', 'upload', ...files]))
  await shared
}

async function download (tracker: string): Promise<SavedEvent[]> {
  const node = start('NodeC', ['bin/node', '-n', 'NodeC', '-t', tracker, '-d', folder, '--json'])
  // Its JSON is read for the facts, and shown as the text that it prints without --json.
  const say = (line: string): void => screen.said('NodeC', line)
  const lines = textReporter({ out: say, err: say })
  node.on('line', (line) => {
    const report = parseReport(line)
    if (report === undefined) return say(line)
    const { event, ...data } = report
    if (event === 'progress') return showProgress(data as ProgressEvent)
    if (event === 'saved' || event === 'failed') endProgress(data as SavedEvent | Failure)
    lines.report(event, data)
  })
  await node.read(1, signal, (line) => parseReport(line)?.event === 'listening' || undefined)
  const done = node.read(WANTED.length, signal, (line) => {
    const report = parseReport(line)
    return report?.event === 'saved' || report?.event === 'failed' ? report : undefined
  })
  type('NodeC', shellJoin(['torrent', '-setMode', 'download', ...WANTED]))
  return (await done).filter((report) => report.event === 'saved')
}

/** What is no JSON is said on standard error. */
function parseReport (line: string): Report | undefined {
  return line.startsWith('{') ? JSON.parse(line) as Report : undefined
}

function showProgress ({ file, bytes, size }: ProgressEvent): void {
  if (file === BIG_FILE) screen.progress('NodeC', file, bytes, size)
}

function endProgress ({ file }: { file?: string }): void {
  if (file === BIG_FILE) screen.endProgress()
}

function showSummary (saved: SavedEvent[]): void {
  screen.table([
    ['file', 'size', 'owners', 'time', 'rate'],
    ...saved.map(({ file, bytes, owners, seconds }) => [
      file, formatBytes(bytes), owners.map(({ name, bytes }) => `${name} ${formatBytes(bytes)}`).join(', '), formatSeconds(seconds), formatRate(bytes, seconds),
    ]),
  ])
}

/** Reads every file again, at its owner and where it went, and digests both without the product's help. */
async function compare (): Promise<boolean> {
  let isSame = true
  for (const file of WANTED) {
    signal.throwIfAborted()
    const [owner = ''] = Object.entries(SHARED).find(([, files]) => (files as readonly string[]).includes(file)) ?? []
    const [source, copy] = await Promise.all([owner, 'NodeC'].map(async (name) => await sha256OrMissing(join(folder, name, file))))
    const isEqual = source === copy && source !== MISSING
    if (!isEqual) isSame = false
    screen.line(`${file}: ${isEqual ? 'OK' : 'DIFFERENT'}`)
    screen.said(owner, source ?? MISSING)
    screen.said('NodeC', copy ?? MISSING)
  }
  return isSame
}

async function sha256OrMissing (path: string): Promise<string> {
  return await sha256(path).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return MISSING
    throw error
  })
}

/** Whether each of them ended as it should. */
async function leave (): Promise<boolean> {
  let isFine = true
  for (const [name, command] of [...running].reverse()) {
    const isNode = name !== 'tracker'
    if (isNode) type(name, 'torrent exit')
    else screen.typed(name, 'Ctrl-C')
    const status = isNode ? await command.ended() : await command.stop()
    if (status === 0) continue
    isFine = false
    screen.said(name, `exit status ${status}`)
  }
  return isFine
}

function start (name: string, argv: [string, ...string[]]): Command {
  screen.typed(name, `$ ${shellJoin(argv)}`)
  const command = stage.start(argv)
  running.set(name, command)
  return command
}

function show (name: string, command: Command): void {
  command.on('line', (line) => screen.said(name, line))
}

function type (name: string, line: string): void {
  screen.typed(name, `> ${line}`)
  running.get(name)?.type(line)
}

await perform('every file is the same', { screen, stage }, main)
