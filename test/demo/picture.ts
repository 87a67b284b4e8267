/**
 * `node dist/test/demo/picture.js > fixtures/demo.svg`: `share` and `get` as they ran, line by line and when each
 * came, as a picture that moves; both on this machine, whatever addresses it has. It needs no script; where somebody wants no motion all of it is there at once.
 */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { writePseudoRandom } from '../helpers/files.js'
import { PIECEMEAL_BIN } from '../helpers/everyday.js'

interface Line {
  seconds: number
  who: string
  text: string
  isTyped: boolean
}

const FILE = 'big.iso'
const BYTES = 512 * 1_024 ** 2
const DEADLINE_MS = 60_000
/** What a person takes to type a command. */
const TYPING_SECONDS = 1
const [LINE_PIXELS, LETTER_PIXELS, MARGIN_PIXELS] = [20, 7.9, 16]
const MOST_LETTERS = 108

const home = await realpath(await mkdtemp(join(tmpdir(), 'piecemeal-picture-')))
try {
  process.stdout.write(draw(await record()))
} finally {
  await rm(home, { recursive: true, force: true })
}

async function record (): Promise<Line[]> {
  for (const who of ['server', 'laptop']) await mkdir(join(home, who))
  await writePseudoRandom(join(home, 'server', FILE), BYTES, 1)
  const lines: Line[] = []
  const getting: Array<Promise<void>> = []
  await run(lines, 'server', ['share', '--once', FILE], (line) => {
    const [, ticket] = /^piecemeal get (\S+)$/.exec(line) ?? []
    if (ticket !== undefined) getting.push(run(lines, 'laptop', ['get', ticket], () => {}))
  })
  await Promise.all(getting)
  return lines
}

async function run (lines: Line[], who: string, words: readonly string[], onLine: (line: string) => void): Promise<void> {
  const note = (text: string, isTyped = false): void => { lines.push({ seconds: performance.now() / 1_000, who, text: text.replaceAll(home, '~'), isTyped }) }
  note(['piecemeal', ...words].join(' '), true)
  const child = spawn(PIECEMEAL_BIN, words, { cwd: join(home, who), env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home, PIECEMEAL_SOCKET: join(home, 's'), PIECEMEAL_NAME: who, ...(who === 'server' && { PIECEMEAL_ADVERTISE: '127.0.0.1' }) }, stdio: ['ignore', 'pipe', 'pipe'], timeout: DEADLINE_MS })
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      if (line.trim() === '') return
      note(line)
      onLine(line)
    })
  }
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject).on('close', (status) => { if (status === 0) resolve(); else reject(new Error(`${who} ended with ${status}`)) })
  })
}

function draw (lines: readonly Line[]): string {
  const begun = lines[0]?.seconds ?? 0
  let typing = 0
  const texts = lines.map(({ seconds, who, text, isTyped }, row) => {
    // The first is there from the start: nobody is to look at an empty box, which a preview shows for ever.
    if (isTyped && row > 0) typing += TYPING_SECONDS
    const shown = text.length > MOST_LETTERS ? `${text.slice(0, MOST_LETTERS - 1)}…` : text
    const at = `x="${MARGIN_PIXELS}" y="${MARGIN_PIXELS + (row + 1) * LINE_PIXELS}" style="animation-delay:${(seconds - begun + typing).toFixed(2)}s"`
    return `<text ${at}><tspan class="${who}">${who}${isTyped ? '$' : ' '}</tspan> <tspan${isTyped ? ' class="typed"' : ''}>${escaped(shown)}</tspan></text>`
  })
  const [width, height] = [Math.ceil((MOST_LETTERS + 8) * LETTER_PIXELS) + 2 * MARGIN_PIXELS, (lines.length + 1) * LINE_PIXELS + 2 * MARGIN_PIXELS]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="piecemeal share prints a ticket, and piecemeal get fetches the file with it">
<style>
text{font:13px ui-monospace,Menlo,Consolas,monospace;fill:#d8dee9;white-space:pre;animation:come .01s both}
.typed{font-weight:bold;fill:#fff}.server{fill:#88c0d0}.laptop{fill:#a3be8c}
@keyframes come{from{opacity:0}to{opacity:1}}
@media (prefers-reduced-motion:reduce){text{animation:none}}
</style>
<rect width="100%" height="100%" rx="8" fill="#1f2430"/>
${texts.join('\n')}
</svg>
`
}

function escaped (text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
