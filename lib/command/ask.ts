/** What is asked of a node in the background, through its control socket, or of the tracker where there is none. */
import { dirname, resolve } from 'node:path'
import { version } from '../cli/process.js'
import { ControlClient } from '../control/control-client.js'
import { CONTROL } from '../control/messages.js'
import { socketOf, socketsHere } from '../control/sockets.js'
import { GuestFolder } from '../disk/guest-folder.js'
import { whereItGoes } from '../disk/where-it-goes.js'
import { LineClient } from '../net/line-client.js'
import { formatAddress, type Address } from '../protocol/address.js'
import { PiecemealError } from '../protocol/errors.js'
import { assertFileName, oneLine, quote } from '../protocol/names.js'
import { parseTrackerToNode } from '../protocol/tracker-to-node.js'
import { httpToken } from '../secret/http-token.js'
import { credentialsFor, type Secret } from '../secret/keys.js'
import { jsonReporter } from '../ui/json.js'
import type { Output, Reporter } from '../ui/reporter.js'
import { isReport, textReporter } from '../ui/text.js'
import { firstToAnswer } from '../library/find-tracker.js'
import { withFreeName } from '../library/names.js'
import { findNetwork, secretOf } from './network.js'
import { reporterFor } from './screen.js'
import { usage, type Settings } from './settings.js'

export async function list (settings: Settings, output: Output): Promise<number> {
  const [prefix = ''] = settings.operands
  const node = settings.from('tracker') === '--tracker' ? undefined : await nodeThatIsUp(settings)
  if (node !== undefined) return await askNode(node, ['list', '--', prefix], settings, output, resultsTo(settings, output))
  const { trackers, secret } = await findNetwork(settings)
  const tracker = await firstToAnswer(trackers, secret)
  return await asMember(tracker, secret, async (client, name) => {
    const reply = await client.request({ type: 'NodeToTracker', mode: 'list', name, prefix })
    resultsTo(settings, output).report('list', parseTrackerToNode('list', reply))
    return 0
  })
}

export async function status (settings: Settings, output: Output): Promise<number> {
  const node = await nodeThatIsUp(settings)
  if (node !== undefined) return await askNode(node, ['status'], settings, output, resultsTo(settings, output))
  const { secret, from, ...network } = await findNetwork(settings)
  const tracker = await firstToAnswer(network.trackers, secret)
  await asMember(tracker, secret, async () => {})
  output.out(settings.is('json') ? JSON.stringify({ event: 'status', tracker: { ...tracker, connected: true, from } }) : `tracker ${formatAddress(tracker)} answers (from ${from}); no node of yours is up`)
  return 0
}

/** With `--to` what an interrupted get has left is removed here, and no node is needed. */
export async function cancel (settings: Settings, output: Output): Promise<number> {
  const [name = ''] = settings.operands
  const to = settings.text('to')
  const node = await nodeThatIsUp(settings)
  if (to === undefined) return await askNode(node ?? noNode(), ['cancel', '--', name], settings, output, resultsTo(settings, output))
  assertFileName(name)
  const target = await whereItGoes(to, name)
  const folder = await GuestFolder.open(dirname(target), undefined)
  const wasHere = await folder.removeKept(name).finally(async () => await folder.close())
  if (!wasHere && node !== undefined) return await askNode(node, ['cancel', '--to', resolve(to), '--', name], settings, output, resultsTo(settings, output))
  if (!wasHere) throw usage(`nothing is kept of ${quote(name)} in ${quote(dirname(target))}`)
  resultsTo(settings, output).report('cancelled', { file: name })
  return 0
}

export async function unshare (settings: Settings, output: Output): Promise<number> {
  return await askNode(await nodeThatIsUp(settings) ?? noNode(), ['unshare', '--', ...settings.operands], settings, output, resultsTo(settings, output))
}

export async function verify (settings: Settings, output: Output): Promise<number> {
  return await askNode(await nodeThatIsUp(settings) ?? noNode(), ['verify', '--', ...settings.operands], settings, output, resultsTo(settings, output))
}

/** Made of the secret that is set, else by the node that is up, of its own. */
export async function token (settings: Settings, output: Output): Promise<number> {
  const secret = await secretOf(settings)
  const say = (token: unknown): void => output.out(settings.is('json') ? JSON.stringify({ event: 'token', token }) : oneLine(String(token)))
  if (secret === undefined) return await askNode(await nodeThatIsUp(settings) ?? noSecret(), settings.is('metrics') ? ['token', '--metrics'] : ['token'], settings, output, undefined, ({ token }) => say(token))
  say(httpToken(secret, settings.is('metrics') ? 'metrics' : 'http'))
  return 0
}

/** The node of this user that runs in the background, if there is one. @throws E_USAGE where there are several, and none was named. */
export async function nodeThatIsUp (settings: Settings): Promise<ControlClient | undefined> {
  const here = await version()
  const said = settings.text('socket') ?? (settings.text('name') === undefined ? undefined : await socketOf(settings.text('name') ?? ''))
  if (said !== undefined) return await ControlClient.connect(said, here)
  const up: Array<{ name: string, client: ControlClient }> = []
  for (const { name, path } of await socketsHere()) {
    // One that a crash has left, or that is somebody else's to ask, is none.
    const client = await ControlClient.connect(path, here).catch(() => undefined)
    if (client !== undefined) up.push({ name, client })
  }
  const [only, ...others] = up
  if (others.length === 0) return only?.client
  for (const { client } of up) client.close()
  throw usage(`several nodes of yours are up: --name ${up.map(({ name }) => name).join(' or ')}`)
}

/** Asks and ends the connection. @param onOther what is no report @returns the exit status */
export async function askNode (node: ControlClient, words: readonly string[], settings: Settings, output: Output, results?: Reporter, onOther = (event: Record<string, unknown>): void => output.err(oneLine(JSON.stringify(event)))): Promise<number> {
  const reporter = results ?? await reporterFor(settings.is('json'), output)
  const { piecemeal, control } = node.hello
  const here = await version()
  if (control !== CONTROL || piecemeal !== here) output.err(`warning: the node that is up is version ${oneLine(piecemeal)}, this command ${here}: piecemeal down, then piecemeal up`)
  try {
    return await node.ask(words, ({ id: _id, event, ...data }) => {
      if (isReport(event)) reporter.report(event, data)
      else onOther({ event, ...data })
    })
  } finally {
    reporter.close()
    node.close()
  }
}

export function noNode (): never {
  throw new PiecemealError('E_USAGE', 'no node of yours is up: "piecemeal up" starts one')
}

function noSecret (): never {
  throw new PiecemealError('E_USAGE', 'which secret? --secret-file F, or "piecemeal up" with one; a network without a secret asks for no token')
}

function resultsTo (settings: Settings, output: Output): Reporter {
  return settings.is('json') ? jsonReporter(output) : textReporter(output)
}

/** What is done on a connection to a tracker under a name that is free. @throws as `dial`, and what `work` throws. */
export async function asMember<T> (tracker: Address, secret: Secret | undefined, work: (client: LineClient, name: string) => Promise<T>): Promise<T> {
  return await withFreeName(undefined, async (name) => {
    const client = await trackerAs(name, tracker, secret)
    try {
      return await work(client, name)
    } finally {
      client.close()
    }
  })
}

/** A connection to a tracker that has that name for as long as it lasts. @throws E_NAME_TAKEN, and as `dial`. */
async function trackerAs (name: string, tracker: Address, secret: Secret | undefined): Promise<LineClient> {
  const client = await LineClient.connect({ ...tracker, credentials: secret && { ...credentialsFor('control', secret), name } })
  try {
    parseTrackerToNode('alive', await client.request({ type: 'NodeToTracker', mode: 'alive', name }))
    return client
  } catch (error) {
    client.close()
    throw error
  }
}
