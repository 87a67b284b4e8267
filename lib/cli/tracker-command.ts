/** `bin/tracker`: parses, composes, starts, and runs until a signal. */
import { randomBytes } from 'node:crypto'
import type { Advertiser } from '../discovery/advertiser.js'
import { formatAddress, isLoopback, isWildcard, type Address } from '../protocol/address.js'
import { oneLine, printable } from '../protocol/names.js'
import { CONNECTIONS } from '../protocol/limits.js'
import type { Secret } from '../secret/keys.js'
import { writeNewSecret } from '../secret/secret-file.js'
import { spareDescriptors, trackerConnections } from '../threads/descriptors.js'
import { MemoryRegistry } from '../tracker/memory-registry.js'
import type { Registry } from '../tracker/registry.js'
import { Tracker, type TrackerOptions } from '../tracker/tracker.js'
import type { TrackerSiteOptions } from '../page/tracker-site.js'
import type { WebServer } from '../web/web-server.js'
import { jsonLog } from '../ui/log.js'
import type { Output } from '../ui/reporter.js'
import { parseTrackerArguments, type TrackerArguments } from './arguments.js'
import { endWith, failStart, loadSecret, onSignal, standardOutput, version, warnIfExposed } from './process.js'
import { Program } from './replaced.js'
import { TRACKER_USAGE } from './usage.js'

/** Of what this tracker is called among others on a network. */
const INSTANCE_BYTES = 8

/** The exit status. */
async function main (standard: Output): Promise<number> {
  let output = standard
  try {
    const options = parseTrackerArguments(process.argv.slice(2))
    if (options.command === 'new-secret') {
      await writeNewSecret(options.path)
      output.out(`new secret in ${printable(options.path)}: copy it to every machine, for its owner alone to read`)
      return 0
    }
    if (options.command === 'status' || options.command === 'check') return await (await import('./registry-commands.js')).lookAt(options, output)
    if (options.command !== 'run') {
      output.out(options.command === 'help' ? TRACKER_USAGE : await version())
      return 0
    }
    if (options.logs) output = jsonLog(standard)
    const secret = await loadSecret(options)
    const { http } = options
    const registry = await registryOf(options, output)
    const tracker = new Tracker({ ...options, ...connectionsOf(options), secret, registry, takesReports: http !== undefined })
    warnIfExposed({ ...options, secret }, output)
    tracker.on('listening', (address) => output.out(`tracker listening on ${formatAddress(address)}`))
    tracker.on('joined', ({ name }) => output.out(`${printable(name)} joined`))
    tracker.on('left', ({ name }) => output.out(`${printable(name)} left`))
    tracker.on('error', (error) => output.err(`error: ${oneLine(error.message)}`))
    let stop: () => void = () => {}
    const stopped = new Promise<void>((resolve, reject) => {
      stop = () => { tracker.close().then(resolve, reject) }
    })
    onSignal(stop)
    const program = new Program(output, stop)
    const web = http && await openSite(tracker, { ...http, secret, insecure: options.insecure, onError: (error) => output.err(`error: ${oneLine(error.message)}`) })
    let advertiser: Advertiser | undefined
    try {
      const listening = await web?.listen()
      const { host, port } = await tracker.start()
      if (listening) output.out(`http listening on ${listening.url}`)
      if (options.isFound && !isLoopback(host)) advertiser = await advertise(tracker, { host, port }, secret, output)
      await stopped
    } finally {
      await advertiser?.close()
      await web?.close()
      program.close()
      await tracker.close()
    }
    return program.endsWith(0)
  } catch (error) {
    return failStart(error, output)
  }
}

/** Loaded only where it is wanted, with all that it is made of. */
async function openSite (tracker: Tracker, options: TrackerSiteOptions): Promise<WebServer> {
  const { openTrackerSite } = await import('../page/tracker-site.js')
  return await openTrackerSite(tracker, options)
}

/** The client of Redis is loaded only where there is one. */
async function registryOf ({ registry: given, insecure }: Pick<TrackerArguments, 'registry' | 'insecure'>, output: Output): Promise<Registry> {
  if (given === undefined) return new MemoryRegistry()
  const { openRegistry } = await import('../registry/open-registry.js')
  const registry = await openRegistry({ ...given, insecure, version: await version(), onWarning: (message) => output.err(`warning: ${message}`) })
  registry.on('degraded', (reason) => output.err(`warning: degraded: ${oneLine(reason.message)}`))
  registry.on('restored', () => output.err('the registry is back'))
  registry.on('error', (error) => output.err(`error: ${oneLine(error.message)}`))
  return registry
}

/** Loaded only where others can reach it. */
async function advertise ({ registry: { net } }: Tracker, { host, port }: Address, secret: Secret | undefined, { err }: Output): Promise<Advertiser> {
  const { Advertiser } = await import('../discovery/advertiser.js')
  const advertiser = new Advertiser({
    instance: `piecemeal-${randomBytes(INSTANCE_BYTES).toString('hex')}`,
    net,
    port,
    ...(secret && { id: secret.current.id }),
    ...(!isWildcard(host) && { hosts: [host] }),
  }, (message) => err(`warning: ${oneLine(message)}`))
  advertiser.start()
  return advertiser
}

/** As many as were asked for, where there are descriptors for them. */
function connectionsOf ({ maxConnections = CONNECTIONS }: Pick<TrackerOptions, 'maxConnections'>): Pick<TrackerOptions, 'maxConnections' | 'fullBecause'> {
  const most = trackerConnections(spareDescriptors())
  return most < maxConnections ? { maxConnections: most, fullBecause: 'out of file descriptors, raise ulimit -n' } : { maxConnections }
}

const output = standardOutput()
endWith(await main(output), output)
