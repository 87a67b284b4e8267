/** `piecemeal up` and `down`: a node that lives without a terminal, and is told what to do through its control socket. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, createReadStream, fstatSync, openSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parsePort } from '../cli/addresses.js'
import { onSignal, version } from '../cli/process.js'
import { Program } from '../cli/replaced.js'
import { reportEvents } from '../cli/report-events.js'
import { Session } from '../cli/session.js'
import { ControlClient } from '../control/control-client.js'
import { ControlServer } from '../control/control-server.js'
import { socketOf } from '../control/sockets.js'
import { toDiskError } from '../disk/disk-error.js'
import { makeFolder } from '../disk/make-folder.js'
import { withFileLock } from '../disk/with-file-lock.js'
import { PiecemealError } from '../protocol/errors.js'
import { oneLine, printable, quote } from '../protocol/names.js'
import { httpToken } from '../secret/http-token.js'
import { jsonReporter } from '../ui/json.js'
import { jsonLog } from '../ui/log.js'
import type { Output, Reporter, Reports } from '../ui/reporter.js'
import { textReporter } from '../ui/text.js'
import { nodeThatIsUp, noNode } from './ask.js'
import { installUnit, sayIfNotLingering } from './install.js'
import { hostNodeName, userCache, userFolder } from '../library/names.js'
import { findNetwork, startNode, type Network } from './network.js'
import { notifyReady } from './service-manager.js'
import { usage, type Settings } from './settings.js'

const BIN = fileURLToPath(new URL('../../../bin/piecemeal', import.meta.url))
/** Room for a tracker that is looked for, and a folder with much in it. */
const UP_MS = 30_000
const LOOK_MS = 50
const LOG = 'piecemeal.log'

export async function up (settings: Settings, output: Output): Promise<number> {
  if (settings.is('install')) return await installUnit(settings, output, BIN)
  return settings.is('foreground') ? await foreground(settings, output) : await background(settings, output)
}

/** The same command once more, on its own, until it answers. */
async function background (settings: Settings, output: Output): Promise<number> {
  const path = await pathOf(settings)
  const there = await ControlClient.connect(path, await version())
  if (there !== undefined) {
    there.close()
    throw new PiecemealError('E_NAME_TAKEN', `a node answers at ${quote(path)} already: piecemeal down ends it, and --name starts another one`)
  }
  const folder = resolve(settings.text('folder') ?? userFolder())
  const logPath = join(folder, LOG)
  const log = await openLog(logPath)
  const { size: said } = fstatSync(log)
  // NOTIFY_SOCKET and the like are of whoever started this one.
  const { NOTIFY_SOCKET: _socket, ...env } = process.env
  const child = spawn(process.execPath, [BIN, 'up', '--foreground', ...process.argv.slice(3)], { detached: true, stdio: ['ignore', log, log], env })
  closeSync(log)
  const ended = once(child, 'exit').then(([status]) => typeof status === 'number' && status !== 0 ? status : 1)
  for (const sinceMs = performance.now(); performance.now() - sinceMs < UP_MS; await sleep(LOOK_MS)) {
    const client = await ControlClient.connect(path, await version()).catch(() => undefined)
    if (client === undefined) {
      const status = await Promise.race([ended, sleep(0)])
      if (typeof status !== 'number') continue
      output.err((await text(createReadStream(logPath, { start: said }))).trimEnd() || 'failed: the node did not start')
      return status
    }
    client.close()
    child.unref()
    output.out(settings.is('json') ? JSON.stringify({ event: 'up', name: nameOf(settings), pid: child.pid, socket: path, folder, log: logPath }) : `${nameOf(settings)} is up; its files are in ${printable(folder)}, and what it says is in ${printable(logPath)}`)
    await sayIfNotLingering(output)
    return 0
  }
  child.kill()
  output.err((await text(createReadStream(logPath, { start: said }))).trimEnd())
  throw new PiecemealError('E_TIMEOUT', `the node did not answer within ${UP_MS / 1_000} s; ${quote(logPath)} may say why`)
}

async function openLog (path: string): Promise<number> {
  try {
    await makeFolder(dirname(path))
    return openSync(path, 'a', 0o600)
  } catch (error) {
    throw toDiskError(error, `cannot use the folder ${quote(dirname(path))}`)
  }
}

async function foreground (settings: Settings, standard: Output): Promise<number> {
  const path = await pathOf(settings)
  const log = settings.text('log') === 'json' ? jsonLog(standard) : undefined
  const output = log ?? standard
  const reporter = log ?? (settings.is('json') ? jsonReporter(output) : textReporter(output))
  const [inputPort, outputPort] = portsOf(settings)
  const network = await findNetwork(settings)
  const stopping = new AbortController()
  onSignal(() => stopping.abort())
  const folder = resolve(settings.text('folder') ?? userFolder())
  const node = await startNode(settings, network, { folder, digestsIn: userCache(), remember: true, inputPort, outputPort }, (node) => {
    reportEvents(node, reporter, ['progress'])
    node.on('error', (error) => output.err(`error: ${oneLine(error.message)}`))
  })
  const session = new Session(node, reporter, { remembers: true })
  const control = new ControlServer({
    path,
    version: await version(),
    obey: async (words, tell) => await obey(session, network, words, tell),
    locked: withFileLock,
  })
  const program = new Program(output, () => { void session.stop() })
  try {
    await control.listen()
    session.goOn()
    stopping.signal.addEventListener('abort', () => { void session.stop() })
    if (stopping.signal.aborted) void session.stop()
    await notifyReady((message) => output.err(`warning: ${message}`))
    const status = await session.ended
    // What was cut off goes on after the restart: that is no failure.
    return program.endsWith(status === 20 ? 0 : status)
  } finally {
    program.close()
    await control.close()
    reporter.close()
    await node.close()
  }
}

/** Words of a control socket; one of them ends the node, and one is of its secret. */
async function obey (session: Session, { secret }: Network, words: readonly string[], tell: (event: object) => void): Promise<number> {
  if (words[0] === 'token') {
    if (secret === undefined) throw new PiecemealError('E_USAGE', 'the node has no secret, and nothing in its network asks for a token')
    tell({ event: 'token', token: httpToken(secret, words[1] === '--metrics' ? 'metrics' : 'http') })
    return 0
  }
  const reporter: Reporter = {
    report: <Name extends keyof Reports>(event: Name, data: Reports[Name]) => tell({ event, ...data }),
    close () {},
  }
  if (words[0] !== 'down') return await session.perform(words, reporter)
  setImmediate(() => { void session.stop() })
  return 0
}

/** Waits until it has ended. */
export async function down (settings: Settings, output: Output): Promise<number> {
  const node = await nodeThatIsUp(settings) ?? noNode()
  const status = await node.ask(['down'], () => {})
  await node.ended()
  node.close()
  if (!settings.is('json')) output.out('the node is down')
  return status
}

function nameOf (settings: Settings): string {
  return settings.text('name') ?? hostNodeName()
}

async function pathOf (settings: Settings): Promise<string> {
  return settings.text('socket') ?? await socketOf(nameOf(settings))
}

function portsOf (settings: Settings): [number, number] {
  const [input = 0, output = 0, ...others] = (settings.text('ports') ?? '0:0').split(':').map((port) => parsePort(port, '--ports', 0))
  if (others.length > 0) throw usage('--ports wants two ports here: INPUT:OUTPUT')
  return [input, output]
}
