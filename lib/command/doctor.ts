/** `piecemeal doctor`: one line for each thing that goes wrong on machines and networks, with what to do about it. */
import { constants, readFileSync } from 'node:fs'
import { access, link, mkdtemp, open, rm, statfs, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { DEFAULT_TRACKER } from '../protocol/address.js'
import { PiecemealError, systemCode } from '../protocol/errors.js'
import { oneLine, printable } from '../protocol/names.js'
import type { Output } from '../ui/reporter.js'
import { formatBytes } from '../ui/format.js'
import { addressesHere, interfacesHere, isContainer } from '../library/interfaces.js'
import { userFolder } from '../library/names.js'
import { lookAtMulticast, lookAtTracker } from './look-at-network.js'
import type { Finding, Look } from './finding.js'
import type { Settings } from './settings.js'
import { OPTIONS, type OptionName } from './table.js'

const LOOKS: readonly Look[] = [lookAtNode, lookAtClock, lookAtNativeParts, lookAtLimits, lookAtFolder, lookAtPorts, lookAtAddresses, lookAtSecret, lookAtTracker, lookAtMulticast, lookAtSettings]
const MARKS = { good: 'ok  ', odd: 'hm  ', bad: 'BAD ' } as const
const LEAST_NODE = [20, 17] as const
const LEAST_DESCRIPTORS = 1_024
const LEAST_ROOM_BYTES = 1_073_741_824
const LEAST_MTU = 1_280
const CLOCK_YEAR = 2_026

const FOLDERS: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'is not there: make it, or name another one'],
  ['EROFS', 'is on a disk that may only be read: get --to another one'],
  ['EACCES', 'may not be written to by this user: get --to another one'],
])

/** @returns 0 if nothing is bad */
export async function doctor (settings: Settings, { out }: Output): Promise<number> {
  let isBad = false
  for (const look of LOOKS) {
    const findings = [await attempt(look, settings)].flat()
    for (const { what, how, says } of findings) {
      isBad ||= how === 'bad'
      out(settings.is('json') ? JSON.stringify({ event: 'finding', what, how, says }) : `${MARKS[how]}${what}: ${oneLine(says)}`)
    }
  }
  return isBad ? 1 : 0
}

/** What fails to be looked at is a finding, too. */
async function attempt (look: Look, settings: Settings): Promise<Finding | Finding[]> {
  try {
    return await look(settings)
  } catch (error) {
    return { what: look.name.replace('lookAt', '').toLowerCase(), how: 'bad', says: error instanceof PiecemealError ? `${error.code} ${error.message}` : String(error) }
  }
}

function lookAtNode (): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const isEnough = major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1])
  return { what: 'node', how: isEnough ? 'good' : 'bad', says: `${process.versions.node} at ${process.execPath}${isEnough ? '' : `, but ${LEAST_NODE.join('.')} is needed: nodejs.org has it`}` }
}

/** Nothing of ours depends on two clocks being the same; a clock that is years behind forgets what was kept for days. */
function lookAtClock (): Finding {
  const now = new Date()
  const isLikely = now.getFullYear() >= CLOCK_YEAR
  return { what: 'clock', how: isLikely ? 'good' : 'odd', says: `${now.toISOString()}${isLikely ? '' : ': it is behind, so what is kept for days may be removed, or kept for longer; timedatectl set-ntp true'}` }
}

function lookAtNativeParts (): Finding[] {
  const load = createRequire(import.meta.url)
  return ([['@napi-rs/blake-hash', 'bad', 'digests'], ['fs-native-extensions', 'odd', 'locks on folders; a file does instead']] as const).map(([name, how, forWhat]) => {
    try {
      load(name)
      return { what: 'native part', how: 'good', says: name }
    } catch (error) {
      return { what: 'native part', how, says: `${name} has no build for ${process.platform} ${process.arch} here (${forWhat}): install again without --omit=optional, and not with node_modules of another machine; ${systemCode(error) ?? 'it fails to load'}` }
    }
  })
}

function lookAtLimits (): Finding[] {
  const limits = (() => { try { return readFileSync('/proc/self/limits', 'utf8') } catch { return '' } })()
  const limit = (name: string): number => Number(new RegExp(`^${name} +(\\d+)`, 'm').exec(limits)?.[1] ?? Infinity)
  const [files, threads] = [limit('Max open files'), limit('Max processes')]
  return [
    { what: 'file descriptors', how: files < 128 ? 'bad' : files < LEAST_DESCRIPTORS ? 'odd' : 'good', says: files < LEAST_DESCRIPTORS ? `${files}, so it does less at a time: ulimit -n 4096` : String(files) },
    { what: 'threads', how: threads < 64 ? 'odd' : 'good', says: threads < 64 ? `${threads} processes and threads of this user: ulimit -u 4096` : String(threads) },
  ]
}

async function lookAtFolder (settings: Settings): Promise<Finding[]> {
  const folder = resolve(settings.text('folder') ?? '.')
  const findings: Finding[] = []
  try {
    await access(folder, constants.W_OK)
  } catch (error) {
    return [{ what: 'folder', how: 'bad', says: `${printable(folder)} ${FOLDERS.get(systemCode(error) ?? '') ?? `can't be written to (${systemCode(error) ?? ''})`}` }]
  }
  const { bsize, bavail } = await statfs(folder)
  const room = bsize * bavail
  findings.push({ what: 'room', how: room < LEAST_ROOM_BYTES ? 'odd' : 'good', says: `${formatBytes(room)} in ${printable(folder)}${room < LEAST_ROOM_BYTES ? ': make room, or get --to another folder' : ''}` })
  const probe = await mkdtemp(join(folder, '.piecemeal-doctor-')).catch((error: unknown) => error)
  if (typeof probe !== 'string') return [...findings, { what: 'room', how: 'bad', says: `no folder can be made in ${printable(folder)} (${systemCode(probe) ?? ''}): df -i says whether it is out of inodes, quota whether you may have no more` }]
  try {
    const [one, two] = [join(probe, '1'), join(probe, '2')]
    await writeFile(one, '')
    const links = await link(one, two).then(() => true, () => false)
    findings.push({ what: 'hard links', how: links ? 'good' : 'odd', says: links ? 'there are' : 'this file system has none: a name is there for a moment before its file is' })
    findings.push(await lockIn(one))
  } finally {
    await rm(probe, { recursive: true, force: true })
  }
  return findings
}

async function lockIn (path: string): Promise<Finding> {
  const handle = await open(path, 'a+')
  try {
    const { tryLock } = await import('../disk/native-calls.js')
    tryLock(handle.fd)
    return { what: 'locks', how: 'good', says: 'there are' }
  } catch {
    return { what: 'locks', how: 'odd', says: 'none here: do not let two nodes work in one folder' }
  } finally {
    await handle.close()
  }
}

async function lookAtPorts (): Promise<Finding> {
  const server = createServer()
  try {
    server.listen(DEFAULT_TRACKER.port)
    await once(server, 'listening')
    return { what: 'port', how: 'good', says: `${DEFAULT_TRACKER.port} is free` }
  } catch (error) {
    return { what: 'port', how: 'good', says: `${DEFAULT_TRACKER.port} is in use (${systemCode(error) ?? ''}): by a tracker, or a tracker here needs -p` }
  } finally {
    server.close()
  }
}

async function lookAtAddresses (): Promise<Finding[]> {
  const all = interfacesHere()
  const real = await addressesHere()
  const findings: Finding[] = []
  if (all === undefined) findings.push({ what: 'interfaces', how: 'odd', says: 'the system does not tell them: a unit of systemd wants AF_NETLINK in RestrictAddressFamilies' })
  findings.push(real.length === 0
    ? { what: 'addresses', how: 'bad', says: 'this machine has none that others could reach: is its network up, and the cable in? ip address' }
    : { what: 'addresses', how: 'good', says: real.map(({ name, address }) => `${address} (${name})`).join(', ') })
  if (isContainer()) findings.push({ what: 'container', how: 'odd', says: 'nobody outside of it reaches these addresses: publish three ports and --advertise HOST:TRACKER:INPUT:OUTPUT' })
  return [...findings, ...mtus(real.map(({ name }) => name))]
}

function mtus (names: readonly string[]): Finding[] {
  return [...new Set(names)].flatMap((name) => {
    try {
      const mtu = Number(readFileSync(`/sys/class/net/${name}/mtu`, 'utf8'))
      return [mtu < LEAST_MTU
        ? { what: 'MTU', how: 'odd' as const, says: `${mtu} on ${name}: small packets are slow, and IPv6 wants ${LEAST_MTU}` }
        : { what: 'MTU', how: 'good' as const, says: `${mtu} on ${name}` }]
    } catch {
      return []
    }
  })
}

async function lookAtSecret (settings: Settings): Promise<Finding> {
  const path = settings.text('secret-file')
  if (path === undefined) return { what: 'secret', how: 'good', says: 'none named; only a ticket\'s share, or a tracker of this machine, does without' }
  const { readSecret } = await import('../secret/secret-file.js')
  const { current } = await readSecret(path, settings.text('old-secret-file'))
  return { what: 'secret', how: 'good', says: `${printable(path)} has the id ${current.id}: other machines with the same secret say the same` }
}

function lookAtSettings (settings: Settings): Finding[] {
  const known = (Object.keys(OPTIONS) as OptionName[]).filter((name) => settings.from(name) !== undefined)
  return [
    ...settings.warnings.map((says): Finding => ({ what: 'settings', how: 'odd', says })),
    ...known.map((name): Finding => ({ what: 'setting', how: 'good', says: `${name} = ${settings.is(name) ? 'true' : settings.texts(name).join(', ')} (from ${settings.from(name) ?? ''})` })),
    { what: 'folder of up', how: 'good', says: userFolder() },
  ]
}
