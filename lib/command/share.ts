/** `piecemeal share`: with a tracker and a node in this process, or through those that there are. */
import { once } from 'node:events'
import { resolve } from 'node:path'
import { quote as shellQuote } from 'shlex'
import { parseHost, parsePort } from '../cli/addresses.js'
import { parseRate } from '../cli/rate.js'
import { onSignal } from '../cli/process.js'
import { reportEvents } from '../cli/report-events.js'
import type { Node } from '../node/node.js'
import type { SharingEvent } from '../node/events.js'
import { oneLine, printable } from '../protocol/names.js'
import type { Output, Reporter } from '../ui/reporter.js'
import { askNode, nodeThatIsUp } from './ask.js'
import type { Audience } from '../library/audience.js'
import { isContainer } from '../library/interfaces.js'
import { userCache } from '../library/names.js'
import { share as openSharing, type ShareOptions, type Sharing } from '../library/share.js'
import { findNetwork, startNode } from './network.js'
import { reporterFor } from './screen.js'
import { usage, type Settings } from './settings.js'

/** @returns the exit status */
export async function share (settings: Settings, output: Output): Promise<number> {
  const paths = settings.operands.map((path) => resolve(path))
  if (settings.text('as') !== undefined && paths.length > 1) throw usage('--as goes with one PATH')
  if (settings.is('here') || settings.is('once')) return await shareHere(settings, paths, output)
  // A tracker that was named on the spot is meant.
  const up = settings.from('tracker') === '--tracker' ? undefined : await nodeThatIsUp(settings)
  if (up !== undefined) {
    const status = await askNode(up, ['-m', 'upload', ...uploadWords(settings), '--', ...paths], settings, output)
    if (status === 0) sayGet(settings, paths, output)
    return status
  }
  return settings.text('tracker') === undefined ? await shareHere(settings, paths, output) : await shareThere(settings, paths, output)
}

/** Options that are the command's of a node. */
function uploadWords (settings: Settings): string[] {
  const as = settings.text('as')
  return [...(as === undefined ? [] : ['--as', as]), ...(['times', 'skip-special', 'allow-shrink'] as const).filter((name) => settings.is(name)).map((name) => `--${name}`)]
}

/** In a network that there is, for as long as this runs. */
async function shareThere (settings: Settings, paths: readonly string[], output: Output): Promise<number> {
  const network = await findNetwork(settings)
  const reporter = await reporterFor(settings.is('json'), output)
  const stopped = new Promise<void>((resolve) => { onSignal(resolve) })
  const node = await startNode(settings, network, { isGuest: true, folder: process.cwd(), digestsIn: userCache() }, (node) => listen(node, reporter, output))
  try {
    await Promise.race([uploadAll(node, paths, settings), stopped])
    sayGet(settings, paths, output)
    await stopped
    return 0
  } finally {
    reporter.close()
    await node.leave()
  }
}

async function shareHere (settings: Settings, paths: readonly string[], output: Output): Promise<number> {
  const advertise = reachedAt(settings)
  const reporter = await reporterFor(settings.is('json'), output)
  const stopping = new AbortController()
  onSignal(() => stopping.abort())
  const stopped = once(stopping.signal, 'abort')
  let sharing: Sharing | undefined
  try {
    sharing = await openSharing(paths, {
      as: settings.text('as'),
      ...ofFolders(settings),
      name: settings.text('name'),
      host: settings.text('host'),
      ports: portsOf(settings),
      advertise,
      ...settings.optional('up', 'up', parseRate),
      signal: stopping.signal,
      onOpen: ({ node, tracker, audience }) => {
        listen(node, reporter, output)
        tracker.on('error', (error) => output.err(`error: ${oneLine(error.message)}`))
        if (!settings.is('json')) sayWhoComes(audience, output)
      },
    })
    if (advertise === undefined && isContainer()) sayContainer(sharing, output)
    sayTicket(sharing.ticket, settings, output)
    await Promise.race([stopped, ...(settings.is('once') ? [sharing.served] : [])])
    return 0
  } catch (error) {
    if (!stopping.signal.aborted) throw error
    return 0
  } finally {
    reporter.close()
    await sharing?.close()
  }
}

function sayWhoComes (audience: Audience, { err }: Output): void {
  audience.on('connected', ({ name }) => err(`${printable(name)} connected`))
  audience.on('got', ({ name, filename }) => err(`${printable(name)} has ${printable(filename)}`))
  audience.on('left', ({ name, saidSo, files }) => err(`${printable(name)} ${saidSo ? 'left' : 'was lost: its connection ended'}${files === 0 ? ', and has got nothing' : ''}`))
}

function sayContainer ({ hosts }: Sharing, { err }: Output): void {
  err(`warning: this is a container, and others may not reach ${hosts.join(', ')}: publish three ports and say where they are, as in docker run -p 9000-9002:9000-9002 … piecemeal share … --advertise HOST:9000:9001:9002 with the name or address of the machine around it`)
}

function listen (node: Node, reporter: Reporter, output: Output): void {
  reportEvents(node, reporter, ['listening', 'connected', 'unshared', 'verified', 'saved', 'waiting', 'left'])
  node.on('error', (error) => output.err(`error: ${oneLine(error.message)}`))
}

/** @throws the first failure. */
async function uploadAll (node: Node, paths: readonly string[], settings: Settings): Promise<SharingEvent[]> {
  const as = settings.text('as')
  return await Promise.all(paths.map(async (path) => await node.upload(path, { as, ...ofFolders(settings) })))
}

function ofFolders (settings: Settings): Pick<ShareOptions, 'times' | 'skipSpecial' | 'allowShrink'> {
  return { times: settings.is('times'), skipSpecial: settings.is('skip-special'), allowShrink: settings.is('allow-shrink') }
}

function sayTicket (ticket: string, settings: Settings, { out, err }: Output): void {
  if (settings.is('json')) return out(JSON.stringify({ event: 'ticket', ticket }))
  err('on the other machines (the ticket is a secret: who has it can fetch this, until this command ends):')
  out(`piecemeal get ${ticket}`)
}

function sayGet (settings: Settings, paths: readonly string[], { out }: Output): void {
  const names = settings.text('as') === undefined ? paths.map((path) => path.replace(/^.*\//, '')) : [settings.text('as') ?? '']
  if (!settings.is('json')) out(`piecemeal get ${names.map((name) => shellQuote(name)).join(' ')}`)
}

/** `HOST` or `HOST:TRACKER:INPUT:OUTPUT`. @throws E_USAGE. */
function reachedAt (settings: Settings): ShareOptions['advertise'] {
  const text = settings.text('advertise')
  if (text === undefined) return undefined
  const [, bracketed, plain, ports] = /^(?:\[([^\]]+)\]|([^:]+|[0-9a-f:]*::[0-9a-f:]*))((?::\d+){3})?$/i.exec(text) ?? []
  const host = bracketed ?? plain
  if (host === undefined) throw usage(`--advertise wants HOST or HOST:TRACKER:INPUT:OUTPUT, not ${JSON.stringify(text)}; an IPv6 address with ports stands in brackets`)
  return { host: parseHost(host.includes(':') ? `[${host}]` : host, '--advertise'), ...(ports !== undefined && { ports: threePorts(ports.slice(1), '--advertise') }) }
}

function portsOf (settings: Settings): [number, number, number] | undefined {
  const text = settings.text('ports')
  return text === undefined ? undefined : threePorts(text, '--ports')
}

function threePorts (text: string, option: string): [number, number, number] {
  const [tracker, input, output, ...others] = text.split(':').map((port) => parsePort(port, option, 1))
  if (tracker === undefined || input === undefined || output === undefined || others.length > 0) throw usage(`${option} wants three ports: TRACKER:INPUT:OUTPUT`)
  return [tracker, input, output]
}
