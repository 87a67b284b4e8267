/** What the demo shows: lines with the name of who said them, and one line below that changes while a file comes in. */
import { styleText } from 'node:util'
import { formatBytes } from '../../lib/ui/format.js'

type Style = Parameters<typeof styleText>[0]

const BAR_CELLS = 32
const NAME_CELLS = 8

export class Screen {
  readonly #out: NodeJS.WriteStream
  readonly #isTerminal: boolean
  readonly #hasColours: boolean
  #progress = ''

  constructor (out: NodeJS.WriteStream) {
    this.#out = out
    this.#isTerminal = out.isTTY
    this.#hasColours = out.isTTY && process.env.NO_COLOR === undefined && process.env.TERM !== 'dumb'
  }

  /** A step of the story. */
  headline (text: string): void {
    this.#write(`\n${this.#style('bold', text)}`)
  }

  line (text: string): void {
    this.#write(text)
  }

  /** What a process said. */
  said (name: string, text: string): void {
    this.#write(`${this.#style('cyan', name.padEnd(NAME_CELLS))}${text}`)
  }

  /** What a person types: at a shell, or to a node that runs. */
  typed (name: string, text: string): void {
    this.#write(`${this.#style('cyan', name.padEnd(NAME_CELLS))}${this.#style('bold', text)}`)
  }

  /** How far a download has come; on a terminal in the place of the last time. */
  progress (name: string, file: string, bytes: number, size: number): void {
    const share = size > 0 ? bytes / size : 1
    const bar = '#'.repeat(Math.round(share * BAR_CELLS)).padEnd(BAR_CELLS, '-')
    const text = `${name.padEnd(NAME_CELLS)}${file} [${bar}] ${Math.floor(share * 100)} %, ${formatBytes(bytes)} of ${formatBytes(size)}`
    if (text === this.#progress) return
    if (this.#isTerminal) this.#clear()
    this.#progress = text
    this.#out.write(this.#isTerminal ? text : `${text}\n`)
  }

  /** The last progress is over. */
  endProgress (): void {
    this.#clear()
    this.#progress = ''
  }

  /** Columns as wide as what is in them; the first row is the heading. */
  table (rows: string[][]): void {
    for (const [i, line] of tableLines(rows).entries()) this.#write(i === 0 ? this.#style('bold', line) : line)
  }

  #write (text: string): void {
    this.#clear()
    this.#out.write(`${text}\n${this.#isTerminal ? this.#progress : ''}`)
  }

  #clear (): void {
    if (!this.#isTerminal || this.#progress === '') return
    this.#out.cursorTo(0)
    this.#out.clearLine(1)
  }

  #style (style: Style, text: string): string {
    return this.#hasColours ? styleText(style, text) : text
  }
}

/** Rows as lines, each column padded to its widest cell. */
export function tableLines (rows: string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd())
}
