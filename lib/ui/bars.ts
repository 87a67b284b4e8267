/** On a terminal: a bar for each digest and download that takes longer than half a second, lines above them. */
import { MultiBar, type SingleBar } from 'cli-progress'
import { printable } from '../protocol/names.js'
import type { ProgressEvent } from '../node/events.js'
import { filesOf, formatBytes } from './format.js'
import type { Output, Reporter } from './reporter.js'
import { textReporter } from './text.js'

const SHOWN_AFTER_MS = 500

interface Task {
  sinceMs: number
  bar?: SingleBar
}

/** @param stream the terminal that the bars are drawn on */
export function barReporter (stream: NodeJS.WriteStream, output: Output): Reporter {
  const tasks = new Map<string, Task>()
  const bars = new MultiBar({
    stream,
    format: '{task} {file} [{bar}] {percentage}% {done} of {all} {rate}',
    barsize: 24,
    hideCursor: true,
    clearOnComplete: true,
    emptyOnZero: true,
    gracefulExit: false,
  })
  const lines = textReporter({
    // Through the bars, which are drawn below; without one there is nothing in the way.
    out: (line) => { if (hasBar()) bars.log(`${line}\n`); else output.out(line) },
    err: output.err,
  })

  function hasBar (): boolean {
    return [...tasks.values()].some(({ bar }) => bar !== undefined)
  }

  function draw ({ task, file, bytes, size, files, ofFiles, rate }: ProgressEvent): void {
    const key = `${task} ${file}`
    const nowMs = performance.now()
    const entry = tasks.get(key) ?? { sinceMs: nowMs }
    tasks.set(key, entry)
    if (nowMs - entry.sinceMs < SHOWN_AFTER_MS) return
    const payload = { task, file: printable(file), done: formatBytes(bytes), all: `${formatBytes(size)}${ofFiles === undefined ? '' : `, ${filesOf(files, ofFiles)},`}`, rate: `${formatBytes(rate)}/s` }
    entry.bar ??= bars.create(size, bytes, payload)
    entry.bar.update(bytes, payload)
  }

  function remove (key: string): void {
    const bar = tasks.get(key)?.bar
    tasks.delete(key)
    if (bar) bars.remove(bar)
    if (!hasBar()) bars.stop()
  }

  return {
    report (name, data) {
      if (name === 'progress') return draw(data as ProgressEvent)
      const { file } = data as { file?: string }
      if (name === 'sharing' || name === 'verified' || name === 'withdrawn' || name === 'failed') remove(`digest ${file}`)
      if (name === 'saved' || name === 'failed') remove(`download ${file}`)
      lines.report(name, data)
    },
    close () {
      bars.stop()
    },
  }
}
