/** `bin/node`: parses, composes, starts, and obeys standard input until it is told, or has reason, to leave. */
import { pipeline, Writable } from 'node:stream'
import split2 from 'split2'
import { Node } from '../node/node.js'
import { whenFree } from '../node/patience.js'
import type { Address } from '../protocol/address.js'
import { PiecemealError } from '../protocol/errors.js'
import { oneLine } from '../protocol/names.js'
import type { WebPort } from '../web/web-server.js'
import type { NodeSite } from './node-site.js'
import { jsonReporter } from '../ui/json.js'
import { jsonLog } from '../ui/log.js'
import type { Output, Reporter } from '../ui/reporter.js'
import { textReporter } from '../ui/text.js'
import { parseNodeArguments, type NodeArguments } from './arguments.js'
import { CommandLines } from './command-lines.js'
import type { Membership } from '../library/find-tracker.js'
import { endWith, failStart, loadSecret, onSignal, standardOutput, version, warnIfExposed } from './process.js'
import { Program } from './replaced.js'
import { reportEvents } from './report-events.js'
import { Session } from './session.js'
import { COMMANDS_USAGE, NODE_USAGE } from './usage.js'

/** The exit status. */
async function main (standard: Output): Promise<number> {
  let output = standard
  try {
    const options = parseNodeArguments(process.argv.slice(2))
    if (options.command === 'run') {
      const log = options.logs ? jsonLog(standard) : undefined
      output = log ?? standard
      return await run(options, output, log ?? await chooseReporter(options, output))
    }
    output.out(options.command === 'help' ? `${NODE_USAGE}${COMMANDS_USAGE}` : await version())
    return 0
  } catch (error) {
    return failStart(error, output)
  }
}

async function run (options: NodeArguments, output: Output, reporter: Reporter): Promise<number> {
  const secret = await loadSecret(options)
  const tracker = options.findsTracker ? await foundTrackers({ secret, insecure: options.insecure }) : options.tracker
  const node = new Node({ ...options, tracker, secret })
  warnIfExposed({ ...options, secret }, output)
  const session = new Session(node, reporter, { remembers: options.remember })
  reportEvents(node, reporter)
  const nameTaken = new Promise<never>((_resolve, reject) => {
    node.on('error', (error) => {
      // Found out late, because the tracker was slow to answer: it is no reason to start all the same.
      if (error instanceof PiecemealError && error.code === 'E_NAME_TAKEN') reject(error)
      else output.err(`error: ${oneLine(error.message)}`)
    })
  })
  const { http } = options
  // Loaded only where it is wanted, with all that it is made of.
  const openSite = async (port: WebPort): Promise<NodeSite> => await (await import('./node-site.js')).openNodeSite(node, {
    ...port, secret, insecure: options.insecure, tracker: options.tracker, isWritable: options.isWritable, mostWritten: options.mostWritten, onError: (error) => output.err(`error: ${oneLine(error.message)}`),
  })
  let site: NodeSite | undefined
  onSignal(() => { void session.stop() })
  const program = new Program(output, () => { void session.stop() })
  try {
    site = http && await openSite(http)
    const listen = async (): Promise<string | undefined> => await site?.listen()
    const patience = { isStopping: () => session.isStopping, onHeld: (message: string) => output.err(`warning: ${oneLine(message)}`) }
    const url = options.remember ? await whenFree(listen, patience) : await listen()
    await node.start().catch((error: unknown) => {
      // A signal that came first is why it did not start.
      if (!session.isStopping) throw error
    })
    if (url !== undefined) reporter.report('http', { url })
    if (!session.isStopping) {
      session.goOn()
      obeyStandardInput(session)
    }
    return program.endsWith(await Promise.race([session.ended, nameTaken]))
  } finally {
    // Nobody reads it any more, and what is open keeps the process alive.
    process.stdin.destroy()
    program.close()
    reporter.close()
    await site?.close()
    await node.close()
  }
}

/** @throws E_TRACKER, which says what to do. */
async function foundTrackers (membership: Membership): Promise<Address[]> {
  // Loaded only where it is asked for.
  const { lookAround } = await import('../library/find-tracker.js')
  const { trackers, whyNot } = await lookAround(membership)
  if (trackers.length === 0) throw new PiecemealError('E_TRACKER', whyNot)
  return trackers
}

async function chooseReporter ({ json }: NodeArguments, output: Output): Promise<Reporter> {
  if (json) return jsonReporter(output)
  if (!process.stdout.isTTY) return textReporter(output)
  // Loaded only where bars are drawn: a script starts the sooner.
  const { barReporter } = await import('../ui/bars.js')
  return barReporter(process.stdout, output)
}

function obeyStandardInput (session: Session): void {
  const lines = new CommandLines((fault) => session.fail(fault))
  const obey = new Writable({
    objectMode: true,
    write (line: string, _encoding, done) {
      session.obey(line)
      done()
    },
  })
  pipeline(process.stdin, lines, split2(), obey, () => session.endOfInput())
}

const output = standardOutput()
endWith(await main(output), output)
