/** `piecemeal get`: in a process of its own, which serves others while it fetches. */
import { createInterface } from 'node:readline'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { quote as shellQuote } from 'shlex'
import { parseDuration } from '../cli/duration.js'
import { onSignal } from '../cli/process.js'
import { reportEvents } from '../cli/report-events.js'
import { atDisk } from '../disk/at-disk.js'
import { assertFileName, HIDDEN_FOLDER, oneLine, printable, quote } from '../protocol/names.js'
import type { Node } from '../node/node.js'
import { ConflictError, EXIT_STATUS, toPiecemealError } from '../protocol/errors.js'
import { goingTo, itemsOf, networkOf, type Wanted } from '../library/follow-ticket.js'
import { guestPlace } from '../library/guest-place.js'
import { looksLikeTicket, parseTicket, type Ticket } from '../secret/ticket.js'
import { formatBytes } from '../ui/format.js'
import type { Output, Reporter } from '../ui/reporter.js'
import { askNode, nodeThatIsUp } from './ask.js'
import { userCache } from '../library/names.js'
import { findNetwork, startNode } from './network.js'
import { reporterFor } from './screen.js'
import { usage, type Settings } from './settings.js'

const TICKET_LINE_MS = 60_000
/** Two groups or more: `pm1-notes` may be a file. */
const BEGINS_AS_TICKET = /^pm1(?:-[\da-z]{5}){2}[\da-z-]*$/i

/** @returns the exit status */
export async function get (settings: Settings, output: Output): Promise<number> {
  const { ticket, names } = await whatIsAsked(settings)
  const digest = settings.text('digest')
  if (digest !== undefined && names.length !== 1) throw usage('--digest goes with one NAME')
  const reporter = await reporterFor(settings.is('json'), output)
  const signalled = new Promise<'stopped'>((resolve) => { onSignal(() => resolve('stopped')) })
  try {
    const network = ticket === undefined ? await findNetwork(settings) : await networkOf(ticket)
    const folder = await guestPlace(settings.text('to'), names.length > 1)
    const node = await startNode(settings, network, { isGuest: true, folder, digestsIn: userCache() }, (node) => {
      reportEvents(node, reporter, ['listening', 'sharing', 'connected', 'unreachable', 'left', 'withdrawn', 'changed'])
      node.on('error', (error) => { if (toPiecemealError(error).code !== 'E_NAME_TAKEN') output.err(`error: ${oneLine(error.message)}`) })
    })
    try {
      const wanted = ticket === undefined ? names.map((name) => ({ name, digest })) : await itemsOf(ticket, node)
      const fetching = new Fetching(node, wanted, settings, reporter, output)
      const status = await Promise.race([fetching.run(), signalled])
      if (status === 'stopped') return await fetching.stop(folder)
      if (settings.text('keep-sharing') !== undefined) await keepSharing(fetching.paths, settings, output, signalled)
      await node.leave()
      return status
    } finally {
      await node.close()
    }
  } finally {
    reporter.close()
  }
}

/** From the arguments, the variable, or standard input, which is opened for that alone. @throws E_USAGE. */
async function whatIsAsked (settings: Settings): Promise<{ ticket?: Ticket, names: string[] }> {
  const names = settings.texts('file')
  const words = await Promise.all(settings.operands.map(async (word) => word === '-' ? withoutCommand(await readLine()) : word))
  const { PIECEMEAL_TICKET: kept = '' } = process.env
  if (words.length === 0 && names.length === 0) {
    if (kept === '') throw usage('piecemeal get wants a ticket, or the name of a file')
    words.push(withoutCommand(kept.trim()))
    // What this process starts has no use for it.
    delete process.env.PIECEMEAL_TICKET
    if (!looksLikeTicket(words[0] ?? '')) throw usage('the variable PIECEMEAL_TICKET holds no ticket')
  }
  // Pasted with what stands before it.
  if (words.length === 3 && words[0] === 'piecemeal' && words[1] === 'get') words.splice(0, 2)
  const [first = '', ...others] = words
  if (!words.some(looksLikeTicket)) return { names: namesOf(words, names) }
  if (others.length > 0 || names.length > 0) throw usage('a ticket is given alone')
  return { ticket: parseTicket(first), names: [] }
}

/** Before anybody is asked for them. @throws E_NAME; E_USAGE for what is left of a ticket. */
function namesOf (words: readonly string[], files: readonly string[]): string[] {
  for (const word of words) {
    if (BEGINS_AS_TICKET.test(word)) throw usage(`${quote(word)} looks like a ticket that was cut off: copy all of the line that "piecemeal share" printed; a file of such a name is asked for with --file`)
  }
  const names = [...words, ...files]
  names.forEach(assertFileName)
  return names
}

/** All of the line that `share` has printed will do. */
function withoutCommand (line: string): string {
  return line.replace(/^piecemeal get /, '')
}

class Fetching {
  readonly #node: Node
  readonly #wanted: readonly Wanted[]
  readonly #settings: Settings
  readonly #reporter: Reporter
  readonly #output: Output
  readonly #underWay = new Map<string, number>()
  /** Of what has come. */
  readonly paths: string[] = []
  #isStopping = false
  #running: Promise<number> = Promise.resolve(0)

  constructor (node: Node, wanted: readonly Wanted[], settings: Settings, reporter: Reporter, output: Output) {
    this.#node = node
    this.#wanted = wanted
    this.#settings = settings
    this.#reporter = reporter
    this.#output = output
    node.on('progress', ({ file, bytes }) => this.#underWay.set(file, bytes))
  }

  /** All at once. @returns the exit status: 0 only if everything came */
  async run (): Promise<number> {
    this.#running = Promise.all(this.#wanted.map(async (wanted) => await this.#fetch(wanted))).then((statuses) => statuses.findLast((status) => status !== 0) ?? 0)
    return await this.#running
  }

  /** What has come is kept, and it is said where. @returns the exit status */
  async stop (folder: string): Promise<number> {
    this.#isStopping = true
    await this.#node.close()
    await this.#running
    const to = this.#settings.text('to') ?? '.'
    for (const [name, bytes] of this.#underWay) {
      const isKept = await atDisk(async () => await stat(join(folder, HIDDEN_FOLDER))).then(() => true, () => false)
      this.#output.err(isKept
        ? `interrupted: ${formatBytes(bytes)} of ${printable(name)} are kept in ${printable(join(folder, HIDDEN_FOLDER))}; the same command goes on from there, piecemeal cancel ${shellQuote(name)} --to ${shellQuote(to)} removes them`
        : `interrupted: nothing is kept of ${printable(name)}`)
    }
    return EXIT_STATUS.E_INTERRUPTED
  }

  async #fetch ({ name, digest }: Wanted): Promise<number> {
    const only = this.#settings.texts('only')
    try {
      const { path, without = 0 } = await this.#node.download(name, { digest, to: goingTo(this.#settings.text('to'), this.#wanted), ...(only.length > 0 && { only }), skipMissing: this.#settings.is('skip-missing'), update: this.#settings.is('update'), allowShrink: this.#settings.is('allow-shrink') })
      this.#underWay.delete(name)
      this.paths.push(path)
      if (!this.#settings.is('json')) this.#print(path)
      return without > 0 ? EXIT_STATUS.E_CHANGED : 0
    } catch (error) {
      const { code, message } = toPiecemealError(error)
      if (this.#isStopping && code === 'E_INTERRUPTED') return EXIT_STATUS[code]
      this.#underWay.delete(name)
      this.#reporter.report('failed', { file: name, code, message, ...(error instanceof ConflictError && { versions: error.versions }) })
      return EXIT_STATUS[code]
    }
  }

  #print (path: string): void {
    if (this.#settings.is('null')) process.stdout.write(`${path}\0`)
    else this.#output.out(path)
  }
}

/** A node that is up does it from now on, and reads nothing again; otherwise this one stays. */
async function keepSharing (paths: readonly string[], settings: Settings, output: Output, signalled: Promise<unknown>): Promise<void> {
  const minutes = settings.text('keep-sharing') ?? ''
  const up = await nodeThatIsUp(settings)
  if (up !== undefined) {
    await askNode(up, ['-m', 'upload', '--', ...paths], settings, output)
    return
  }
  output.err(minutes === '' ? 'sharing on until Ctrl-C' : `sharing on for ${minutes} minutes`)
  const ended = minutes === '' ? [] : [new Promise((resolve) => { setTimeout(resolve, parseDuration(minutes)).unref() })]
  await Promise.race([signalled, ...ended])
}

/** One line. @throws E_USAGE if none comes. */
async function readLine (): Promise<string> {
  const lines = createInterface({ input: process.stdin })
  const late = setTimeout(() => lines.close(), TICKET_LINE_MS)
  try {
    for await (const line of lines) if (line.trim() !== '') return line.trim()
    throw usage('there is no ticket on standard input')
  } finally {
    clearTimeout(late)
    lines.close()
    process.stdin.destroy()
  }
}
