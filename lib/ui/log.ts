/** `--log json`: all that is told as one JSON object a line on standard output, each with its time and how bad it is. */
import { jsonLine } from './json-line.js'
import type { Output, Reporter, Reports } from './reporter.js'

type Level = 'info' | 'warning' | 'error'

/** What is no report is a line of text; what such a line begins with says how bad it is. */
const LEVELS: ReadonlyMap<string, Level> = new Map([['failed', 'error'], ['error', 'error'], ['warning', 'warning']])
const LEVEL_OF: Partial<Record<keyof Reports, Level>> = { failed: 'error', lost: 'warning', withdrawn: 'warning', changed: 'warning', unreachable: 'warning', warning: 'warning' }

export function jsonLog ({ out }: Output): Output & Reporter {
  const write = (level: Level, facts: object): void => out(jsonLine({ time: new Date().toISOString(), level, ...facts }))
  const line = (text: string, byDefault: Level): void => {
    const [, word = '', message = text] = /^(failed|error|warning): (.*)$/s.exec(text) ?? []
    write(LEVELS.get(word) ?? byDefault, { message })
  }
  return {
    out: (text) => line(text, 'info'),
    err: (text) => line(text, 'warning'),
    report (event, data) {
      // A log is of what happened.
      if (event !== 'progress') write(LEVEL_OF[event] ?? 'info', { event, ...data })
    },
    close () {},
  }
}
