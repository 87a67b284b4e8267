/** Where the tracker is that a command is to use, and with which secret; and a node there for as long as the command runs. */
import { DEFAULT_TRACKER, formatAddress, isLoopback, type Address } from '../protocol/address.js'
import { PiecemealError } from '../protocol/errors.js'
import { parseAdvertised, parseHost, parseTracker } from '../cli/addresses.js'
import { parseDuration } from '../cli/duration.js'
import { firstToAnswer, lookAround } from '../library/find-tracker.js'
import { parseRate } from '../cli/rate.js'
import { Node } from '../node/node.js'
import type { NodeOptions } from '../node/options.js'
import { isExposed } from '../secret/exposure.js'
import type { Secret } from '../secret/keys.js'
import { readSecret } from '../secret/secret-file.js'
import { everywhere } from '../library/interfaces.js'
import { hostNodeName, withFreeName } from '../library/names.js'
import type { Settings } from './settings.js'

const AUTO = 'auto'

export interface Network {
  /** Any of them will do: they share a registry. */
  trackers: readonly Address[]
  secret?: Secret | undefined
  insecure: boolean
  /** Who says that it is there. */
  from: string
}

/** @throws E_AUTH, E_USAGE; E_TRACKER where none is known and none is found. */
export async function findNetwork (settings: Settings): Promise<Network> {
  const secret = await secretOf(settings)
  const common = { secret, insecure: settings.is('insecure') }
  const configured = trackersOf(settings)
  if (configured !== undefined) return { ...common, trackers: configured, from: settings.from('tracker') ?? '' }
  const { trackers, whyNot } = settings.is('no-discovery') ? { trackers: [], whyNot: `there is no tracker at ${formatAddress(DEFAULT_TRACKER)}: --tracker HOST:PORT` } : await lookAround(common)
  if (trackers.length > 0) return { ...common, trackers, from: 'this network' }
  try {
    return { ...common, trackers: [await firstToAnswer([DEFAULT_TRACKER], secret)], from: 'the default' }
  } catch (cause) {
    if (cause instanceof PiecemealError && cause.code === 'E_AUTH') throw cause
    throw new PiecemealError('E_TRACKER', whyNot, { cause })
  }
}

/** Those that were named: one, or several with commas between them, or the option again. @returns undefined if they are to be looked for @throws E_USAGE. */
export function trackersOf (settings: Settings): Address[] | undefined {
  const named = settings.texts('tracker').flatMap((text) => text.split(','))
  return named.length === 0 || (named.length === 1 && named[0] === AUTO) ? undefined : named.map(parseTracker)
}

export async function secretOf (settings: Settings): Promise<Secret | undefined> {
  const path = settings.text('secret-file')
  return path === undefined ? undefined : await readSecret(path, settings.text('old-secret-file'))
}

/** A node in that network, started, under a name that is free. @param onNode sees it before it starts @throws as `start` of a node. */
export async function startNode (settings: Settings, { trackers, secret, insecure }: Omit<Network, 'from'>, options: Omit<NodeOptions, 'name'>, onNode: (node: Node) => void = () => {}): Promise<Node> {
  const name = settings.text('name')
  // One that stands in a file or a variable is that of all commands: a get beside a node that is up has another.
  const isExact = settings.from('name') === '--name' || options.isGuest !== true
  // One that remembers tries to have its own back.
  const exact = options.remember === true ? name ?? hostNodeName() : isExact ? name : undefined
  return await withFreeName(exact, async (name) => {
    const node = new Node({
      name,
      tracker: trackers,
      secret,
      insecure,
      host: hostFor(settings, { trackers, secret, insecure }),
      ...(!('advertise' in options) && settings.optional('advertise', 'advertise', parseAdvertised)),
      ...settings.optional('up', 'up', parseRate),
      ...settings.optional('down', 'down', parseRate),
      ...settings.optional('giveUpMs', 'give-up', parseDuration),
      ...options,
    })
    onNode(node)
    await node.start()
    return node
  }, name)
}

/** Where its ports listen: for all where that is allowed, and where others than this machine may come at all. */
export function hostFor (settings: Settings, { trackers, secret, insecure }: Omit<Network, 'from'>): string {
  const said = settings.text('host')
  if (said !== undefined) return parseHost(said, '--host')
  const all = everywhere()
  return trackers.every(({ host }) => isLoopback(host)) && secret === undefined ? '127.0.0.1' : isExposed({ host: all, secret }) && !insecure ? '127.0.0.1' : all
}
