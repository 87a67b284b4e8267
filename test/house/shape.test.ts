/** How the house is built, as far as the linter does not hold it. */
import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import t from 'tap'
import { ROOT } from '../helpers/command.js'
import { countLines, filesOf, read } from './repository.js'

/** Beyond this a file is likely to have a second role. */
const MOST_LINES = 250
/** Its head is the comment that it opens with, or that stands after its imports. */
const REASON = /Longer than 250 lines because \S/
/** A room with more of the house than this is several rooms. */
const MOST_SHARE = 0.2
/** Each written so that it does not match itself. */
const OUT_OF_PLACE: ReadonlyArray<[words: RegExp, why: string]> = [
  [/\b(?:TO[D]O|FIX[M]E)\b/, 'work that is left belongs to the tracker of issues'],
  [/(?<![\w.)}])\/(?:root|wor[k])\/\w/, 'a path of one machine'],
]
/** A document that a comment names, as opposed to a file that somebody shares. */
const DOCUMENT = /\b[A-Z]{3,}\.md\b/g

const code = filesOf('lib').filter((path) => path.endsWith('.ts'))

await t.test('a long file says why', async (t) => {
  t.ok(code.length > 50, 'files were found')
  const long = code.filter((path) => countLines(read(path)) > MOST_LINES && !REASON.test(headOf(read(path))))
  t.strictSame(long, [])
})

await t.test('no folder has a fifth of lib', async (t) => {
  const lines = new Map<string, number>()
  for (const path of code) {
    const [, folder = ''] = path.split('/')
    lines.set(folder, (lines.get(folder) ?? 0) + countLines(read(path)))
  }
  const all = [...lines.values()].reduce((sum, one) => sum + one)
  for (const [folder, count] of lines) t.ok(count < MOST_SHARE * all, `${folder}: ${count} of ${all} lines`)
})

await t.test('the schedule knows nothing of Node', async (t) => {
  const imports = code.filter((path) => path.startsWith('lib/schedule/')).flatMap((path) => /\b(?:from|import|require)\b\s*\(?\s*['"]node:.*/.exec(read(path))?.[0] ?? [])
  t.strictSame(imports, [])
})

await t.test('no file has words that have no place in it', async (t) => {
  const documents = new Set(filesOf('.').map((path) => basename(path)))
  const faults: string[] = []
  for (const path of filesOf('.')) {
    const bytes = readFileSync(join(ROOT, path))
    if (!isUtf8(bytes) || path === 'package-lock.json') continue
    const text = bytes.toString()
    for (const [words, why] of OUT_OF_PLACE) if (words.test(text)) faults.push(`${path}: ${why}`)
    for (const [document] of text.matchAll(DOCUMENT)) if (!documents.has(document)) faults.push(`${path}: ${document} is not here`)
  }
  t.strictSame(faults, [])
})

await t.test('packages come from whatever registry the machine uses', async (t) => {
  t.notMatch(read('package-lock.json'), '"resolved"')
})

/** The comment that a file opens with, or that its first declaration has after the imports. */
function headOf (text: string): string {
  return /\/\*\*[\s\S]*?\*\//.exec(text)?.[0] ?? ''
}
