/** One line for each thing that happened. */
import { quote as shellQuote } from 'shlex'
import type { Waiting } from '../download/waiting.js'
import type { NodeLimits } from '../node/options.js'
import { formatAddress } from '../protocol/address.js'
import { oneLine, printable } from '../protocol/names.js'
import { count, filesOf, formatBytes, formatRate, formatSeconds, shortDigest } from './format.js'
import type { Failure, Output, Reporter, Reports } from './reporter.js'

type Lines = { [Name in keyof Reports]: (data: Reports[Name]) => string[] }

const LINES: Lines = {
  listening: ({ name, input, output }) => [`${name} listening: input ${formatAddress(input)}, output ${formatAddress(output)}`],
  http: ({ url }) => [`http listening on ${url}`],
  connected: ({ tracker, announced }) => [`tracker ${formatAddress(tracker)} connected${announced > 0 ? `, ${count(announced, 'file')} announced` : ''}`],
  lost: ({ tracker, code, message }) =>
    [`tracker ${formatAddress(tracker)} ${code === 'E_AUTH' ? 'does not let us in' : 'is away'}, trying again: ${oneLine(code === 'E_AUTH' ? `${code} ${message}` : message)}`],
  unreachable: ({ input, output, tracker }) =>
    [`the tracker ${formatAddress(tracker)} can't connect to this node at ${formatAddress(input)} and ${formatAddress(output)}: others may not be able to fetch from it; see --host and --advertise`],
  sharing: ({ file, bytes, digest, announced, files }) =>
    [`sharing ${printable(file)} (${files === undefined ? '' : `${count(files, 'file')}, `}${formatBytes(bytes)}, ${shortDigest(digest)})${announced ? '' : ', to be announced when the tracker is back'}`],
  withdrawn: ({ file, message }) => [`no longer sharing ${printable(file)}: ${oneLine(message)}`],
  changed: ({ file, path }) => [`changed ${printable(path)}: it is no longer shared in ${printable(file)}; the other files are`],
  unshared: ({ file }) => [`no longer sharing ${printable(file)}`],
  verified: ({ file, bytes, seconds }) => [`verified ${printable(file)} (${formatBytes(bytes)}): as it was announced, in ${formatSeconds(seconds)}`],
  cancelled: ({ file }) => [`cancelled ${printable(file)}; nothing is kept of it`],
  waiting: ({ file, ...waiting }) => [`waiting for ${whatIsWaitedFor(waiting)}: ${printable(file)}, no byte for ${formatSeconds(Math.round(waiting.seconds))}`],
  progress: () => [],
  saved: ({ file, bytes, files, without, owners, seconds, resumed, here, zeros }) => {
    const from = owners.map(({ name, bytes }) => `${name} ${formatBytes(bytes)}`).join(', ')
    const kept = resumed > 0 ? `, ${formatBytes(resumed)} kept from before` : ''
    const taken = here > 0 ? `, ${formatBytes(here)} were here` : ''
    const unsent = zeros > 0 ? `, ${formatBytes(zeros)} of zeros` : ''
    const inFiles = files === undefined ? '' : `${count(files, 'file')}, `
    const lacking = without === undefined ? '' : ` without ${count(without, 'file')}`
    return [`saved ${printable(file)}${lacking} (${inFiles}${formatBytes(bytes)} from ${count(owners.length, 'owner')}${from && `: ${from}`}${kept}${taken}${unsent}) in ${formatSeconds(seconds)}, ${formatRate(bytes - resumed - here - zeros, seconds)}`]
  },
  failed: (failure) => [`failed${failure.file === undefined ? '' : ` ${printable(failure.file)}`}: ${failure.code} ${oneLine(failure.message)}`, ...versionLines(failure)],
  warning: ({ message }) => [`warning: ${oneLine(message)}`],
  left: ({ name }) => [`${name} left`],
  list: ({ files, truncated }) => [
    ...files.map(({ filename, kind, size, filesSize = size, digest, owners }) => `${printable(filename)}${kind === 'folder' ? '/' : ''}  ${formatBytes(kind === 'folder' ? filesSize : size)}  ${count(owners, 'owner')}  ${shortDigest(digest)}`),
    truncated ? 'there are more: ask for those that begin with torrent list PREFIX' : count(files.length, 'file'),
  ],
  status: ({ sharing, fetching, serving, tracker, limits }) => [
    `tracker ${tracker.connected ? 'connected' : 'away'}; sharing ${sharing.filter(({ missing }) => !missing).length}, fetching ${fetching.length}, serving ${serving.length}`,
    ...sharing.map(({ file, bytes, digest, missing, files }) => `  ${missing ? 'misses' : 'shares'} ${printable(file)} (${files === undefined ? '' : `${count(files, 'file')}, `}${formatBytes(bytes)}, ${shortDigest(digest)})`),
    ...fetching.map(({ file, bytes, size, files, ofFiles, rate, waitingFor }) =>
      `  fetches ${printable(file)}: ${formatBytes(bytes)} of ${formatBytes(size)}${ofFiles === undefined ? '' : `, ${filesOf(files, ofFiles)}`}, ${formatBytes(rate)}/s${waitingFor ? `, waiting for ${whatIsWaitedFor(waitingFor)}` : ''}`),
    ...serving.map(({ file, peer, bytes, size, rate }) => `  serves ${printable(file)} to ${peer}: ${formatBytes(bytes)} of ${formatBytes(size)}, ${formatBytes(rate)}/s`),
    `  ${limitsLine(limits)}`,
  ],
  limits: (limits) => [limitsLine(limits)],
  help: ({ text }) => text.split('\n'),
}

/** Whether there is something to be told by that name. */
export function isReport (name: string): name is keyof Reports {
  return Object.hasOwn(LINES, name)
}

/** How many owners are named; there may be as many as a tracker lists. */
const OWNERS_NAMED = 3

function whatIsWaitedFor ({ for: what, owners }: Omit<Waiting, 'file'>): string {
  switch (what) {
    case 'disk': return 'the disk'
    case 'tracker': return 'the tracker'
    case 'slot': return 'a free slot'
    case 'owner': {
      const more = owners.length - OWNERS_NAMED
      const named = owners.slice(0, OWNERS_NAMED).map(printable).join(', ')
      return named === '' ? 'an owner' : more > 0 ? `${named} and ${more} more` : named
    }
  }
}

function limitsLine ({ up, down }: NodeLimits): string {
  const [upRate, downRate] = [up, down].map((rate) => rate === undefined ? 'off' : `${formatBytes(rate)}/s`)
  return `limits: up ${upRate}, down ${downRate}`
}

/** Failures go to standard error, everything else to standard output. */
export function textReporter ({ out, err }: Output): Reporter {
  return {
    report (name, data) {
      const write = name === 'failed' || name === 'withdrawn' || name === 'lost' || name === 'unreachable' || name === 'warning' ? err : out
      for (const line of LINES[name](data)) write(line)
    },
    close () {},
  }
}

/** The command that picks a version, ready to be typed. */
function versionLines ({ file = '', versions = [] }: Failure): string[] {
  // A name that looks like an option stands after the end of options.
  const command = (digest: string): string => file.startsWith('-') ? `--digest ${digest} -- ${shellQuote(file)}` : `${shellQuote(file)} --digest ${digest}`
  return versions.map(({ digest, size, owners }) =>
    `  torrent -m download ${command(shortDigest(digest))}  (${formatBytes(size)}, ${count(owners, 'owner')})`)
}
