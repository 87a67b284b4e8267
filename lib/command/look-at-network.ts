/** What the doctor looks at beyond this machine: the tracker, whether it can connect to here, and multicast. */
import { randomUUID } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LineClient } from '../net/line-client.js'
import { interfacesHere } from '../library/interfaces.js'
import { formatAddress, isLoopback, type Address } from '../protocol/address.js'
import { pieceLengthFor } from '../protocol/content.js'
import { PiecemealError, systemCode } from '../protocol/errors.js'
import { printable } from '../protocol/names.js'
import type { Finding } from './finding.js'
import { holdersOf } from './port-holder.js'
import type { Settings } from './settings.js'

const MULTICAST_PORT = 5_353
/** Longer than a tracker tries. */
const REACH_MS = 4_000
const REACH_LOOK_MS = 200
/** In the flags of an interface, as Linux has them. */
const IFF_MULTICAST = 0x1000

export async function lookAtTracker (settings: Settings): Promise<Finding | Finding[]> {
  const { findNetwork, hostFor, secretOf } = await import('./network.js')
  const { firstToAnswer } = await import('../library/find-tracker.js')
  const { asMember } = await import('./ask.js')
  // That there is none is said already.
  if (await secretOf(settings).then(() => false, () => true)) return []
  const isWanted = settings.text('tracker') !== undefined
  try {
    const network = await findNetwork(settings)
    const tracker = await firstToAnswer(network.trackers, network.secret)
    const reach = await asMember(tracker, network.secret, async (client, name) => await lookAtReach(client, name, hostFor(settings, network), tracker))
    return [{ what: 'tracker', how: 'good', says: `${formatAddress(tracker)} answers (from ${network.from})` }, reach]
  } catch (error) {
    if (!(error instanceof PiecemealError)) throw error
    return { what: 'tracker', how: isWanted ? 'bad' : 'odd', says: `${error.code} ${error.message}${error.code === 'E_AUTH' ? '; compare the ids of the secret that doctor says on both machines' : ''}` }
  }
}

/** A port for a moment, and something to be listed with it: the tracker then tries to connect. */
async function lookAtReach (client: LineClient, name: string, host: string, tracker: Address): Promise<Finding> {
  if (isLoopback(host) && !isLoopback(tracker.host)) return { what: 'reach', how: 'bad', says: 'without a secret a node listens for this machine alone: --secret-file, or --insecure where everybody may fetch everything' }
  const { parseTrackerToNode } = await import('../protocol/tracker-to-node.js')
  const server = createServer((socket) => socket.destroy())
  try {
    server.listen(0, host)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await client.request({ type: 'NodeToTracker', mode: 'have', name, filename: `piecemeal-doctor-${randomUUID()}`, size: 1, digest: `blake3:${'0'.repeat(64)}`, pieceLength: pieceLengthFor(1), inputPort: port, outputPort: port, complete: false })
    for (const sinceMs = performance.now(); performance.now() - sinceMs < REACH_MS; await sleep(REACH_LOOK_MS)) {
      const { reachable } = parseTrackerToNode('alive', await client.request({ type: 'NodeToTracker', mode: 'alive', name }))
      if (reachable === undefined) continue
      return reachable
        ? { what: 'reach', how: 'good', says: 'the tracker can connect to this machine' }
        : { what: 'reach', how: 'bad', says: `the tracker can't connect to this machine (it tried port ${port}): let TCP in through its firewall, to the ports of --ports, or --advertise where others reach it` }
    }
    return { what: 'reach', how: 'odd', says: 'the tracker did not say whether it can connect to this machine' }
  } finally {
    server.close()
  }
}

export async function lookAtMulticast (): Promise<Finding[]> {
  const findings: Finding[] = []
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  try {
    socket.bind(MULTICAST_PORT, '0.0.0.0')
    await once(socket, 'listening')
    for (const { name, address } of (interfacesHere() ?? []).filter(({ address }) => !address.includes(':'))) {
      if (!takesMulticast(name)) {
        findings.push({ what: 'multicast', how: 'odd', says: `${name} has it switched off: ip link set ${name} multicast on; or --tracker HOST:PORT, or a ticket` })
        continue
      }
      try {
        socket.addMembership('224.0.0.251', address)
        findings.push({ what: 'multicast', how: 'good', says: `${name} takes part` })
      } catch (error) {
        findings.push({ what: 'multicast', how: 'odd', says: `${name} does not take part (${systemCode(error) ?? ''}): --tracker HOST:PORT, or a ticket` })
      }
    }
  } catch (error) {
    const holders = await holdersOf(MULTICAST_PORT)
    const who = holders.length > 0 ? printable(holders.join(', ')) : `another program, and sudo ss -lunp 'sport = :${MULTICAST_PORT}' says which`
    findings.push({ what: 'multicast', how: 'odd', says: `port ${MULTICAST_PORT} (${systemCode(error) ?? ''}) is held alone by ${who}; a tracker here is not found by others` })
  } finally {
    socket.close()
  }
  return findings
}

function takesMulticast (name: string): boolean {
  try {
    return (Number(readFileSync(`/sys/class/net/${name}/flags`, 'utf8')) & IFF_MULTICAST) !== 0
  } catch {
    // No Linux: there is no telling.
    return true
  }
}
