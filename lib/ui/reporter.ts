import type { ErrorData, Version } from '../protocol/errors.js'
import type { NodeEvents, NodeStatus } from '../node/events.js'
import type { NodeLimits } from '../node/options.js'
import type { Files } from '../protocol/tracker-to-node.js'

type Told = { [Name in Exclude<keyof NodeEvents, 'error'>]: NodeEvents[Name][0] }

/** Everything a person or a script may be told of, by its name in `--json`. */
export interface Reports extends Told {
  /** The HTTP port accepts connections. */
  http: { url: string }
  failed: Failure
  /** A download was ended by a command, and what was kept of it is removed. */
  cancelled: { file: string }
  list: Files
  status: NodeStatus
  limits: NodeLimits
  help: { text: string }
}

/** A command that failed; `file` where it was about one. */
export interface Failure extends ErrorData {
  file?: string
  versions?: readonly Version[]
}

/** Where reports go: text for people, JSON for scripts. */
export interface Reporter {
  report: <Name extends keyof Reports>(name: Name, data: Reports[Name]) => void
  /** Leaves the terminal as it was. */
  close: () => void
}

/** Where text goes: a line at a time. */
export interface Output {
  out: (line: string) => void
  err: (line: string) => void
}
