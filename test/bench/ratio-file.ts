/**
 * Where rows of the table are kept: those of the last whole run of each benchmark, so that the table
 * need not be measured in one go; and a copy in the repository, which the tables of the documents are made of.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ROOT } from '../helpers/command.js'
import { briefTable, wholeTable } from './ratio-table.js'
import type { Ratio } from './ratios.js'
import { markdown } from './statistics.js'

/** The rows of one benchmark. */
export interface Chapter {
  benchmark: string
  /** ISO 8601. */
  begun: string
  machine: object
  ratios: Ratio[]
}

/** What the last whole runs on this machine said. */
const LATEST = join(ROOT, 'bench-results', 'ratios.json')
/** What the documents say. */
const PUBLISHED = join(ROOT, 'test', 'bench', 'ratios.json')
/** The tables of the documents that are made of it, each between two marks. */
const TABLES: ReadonlyArray<{ document: string, table: (ratios: readonly Ratio[]) => string[][] }> = [
  { document: join(ROOT, 'README.md'), table: briefTable },
  { document: join(ROOT, 'test', 'bench', 'README.md'), table: wholeTable },
]
const MARKS = ['<!-- ratios: written by npm run bench -- --readme -->', '<!-- end of ratios -->'] as const

/** Takes the place of what that benchmark said before. @param order of all benchmarks */
export async function keepLatest (chapter: Chapter, order: readonly string[]): Promise<void> {
  const others = (await readChapters(LATEST)).filter(({ benchmark }) => benchmark !== chapter.benchmark)
  const chapters = [...others, chapter].sort((a, b) => order.indexOf(a.benchmark) - order.indexOf(b.benchmark))
  await replace(LATEST, `${JSON.stringify(chapters, undefined, 1)}\n`)
}

/** Publishes the latest rows, and writes the tables of the documents. @returns what was written */
export async function publish (): Promise<string[]> {
  const chapters = await readChapters(LATEST)
  if (chapters.length === 0) throw new Error(`${LATEST} has nothing yet`)
  await replace(PUBLISHED, `${JSON.stringify(chapters, undefined, 1)}\n`)
  for (const { document, before, after } of await documents()) if (after !== before) await replace(document, after)
  return [PUBLISHED, ...TABLES.map(({ document }) => document)]
}

/** Each document as it is, and as it is to be with what was published, if anything was. */
export async function documents (): Promise<Array<{ document: string, before: string, after: string }>> {
  const ratios = (await readChapters(PUBLISHED)).flatMap(({ ratios }) => ratios)
  return await Promise.all(TABLES.map(async ({ document, table }) => {
    const before = await readFile(document, 'utf8')
    return { document, before, after: ratios.length === 0 ? before : between(before, `\n\n${markdown(table(ratios), { padded: false })}\n\n`) }
  }))
}

function between (text: string, content: string): string {
  const [begin, end] = MARKS
  const [start, stop] = [text.indexOf(begin) + begin.length, text.indexOf(end)]
  if (start < begin.length || stop < start) throw new Error(`a document lacks ${begin} or ${end}`)
  return text.slice(0, start) + content + text.slice(stop)
}

async function readChapters (path: string): Promise<Chapter[]> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Chapter[]
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** At once or not at all: what it replaces took half an hour. */
async function replace (path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(`${path}.new`, text)
  await rename(`${path}.new`, path)
}
