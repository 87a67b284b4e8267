/** As much of Markdown as our documents have: tables, links and headings outside of blocks of code. */

/** A row of a table: heading of a column → cell, both as they are written. */
export type Row = Record<string, string>

const TABLE_LINE = /^\|(.*)\|\s*$/
const UNDERLINE = /^\|(?:\s*:?-+:?\s*\|)+\s*$/

/** The rows of all tables that have a column of this name. @throws where there is none: a table that was renamed is not an empty one. */
export function rowsWith (column: string, markdown: string): Row[] {
  const rows = tablesOf(markdown).filter((table) => Object.hasOwn(table[0] ?? {}, column)).flat()
  if (rows.length === 0) throw new Error(`no table has a column ${column}`)
  return rows
}

/** The text from a heading, given without its marks, to the next one of its level or above. */
export function sectionOf (heading: string, markdown: string): string {
  const lines = proseOf(markdown)
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading)
  if (start < 0) throw new Error(`no heading ${heading}`)
  const level = levelOf(lines[start] ?? '')
  const length = lines.slice(start + 1).findIndex((line) => levelOf(line) > 0 && levelOf(line) <= level)
  return lines.slice(start, length < 0 ? undefined : start + 1 + length).join('\n')
}

/** What stands between backticks. */
export function codeIn (cell = ''): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)
}

/** Where links lead to within the project: a path, and the heading behind `#`. */
export function linksOf (markdown: string): Array<{ path: string, anchor: string | undefined }> {
  return [...proseOf(markdown).join('\n').matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', anchor] = target.split('#')
      return { path, anchor }
    })
}

/** The anchors that GitHub gives to the headings. */
export function anchorsOf (markdown: string): string[] {
  return proseOf(markdown).filter((line) => levelOf(line) > 0)
    .map((line) => line.replace(/^#+ /, '').toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-'))
}

function tablesOf (markdown: string): Row[][] {
  const lines = proseOf(markdown)
  const tables: Row[][] = []
  for (let at = 1; at < lines.length; at++) {
    if (!UNDERLINE.test(lines[at] ?? '')) continue
    const columns = cellsOf(lines[at - 1] ?? '')
    const rows: Row[] = []
    for (let next = at + 1; TABLE_LINE.test(lines[next] ?? ''); next++) {
      const cells = cellsOf(lines[next] ?? '')
      rows.push(Object.fromEntries(columns.map((column, i) => [column, cells[i] ?? ''])))
    }
    tables.push(rows)
  }
  return tables
}

function cellsOf (line: string): string[] {
  return (TABLE_LINE.exec(line)?.[1] ?? '').split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'))
}

/** The lines outside of blocks of code; those inside are empty. */
function proseOf (markdown: string): string[] {
  let isCode = false
  return markdown.split('\n').map((line) => {
    const isFence = line.startsWith('```')
    if (isFence) isCode = !isCode
    return isFence || isCode ? '' : line
  })
}

function levelOf (line: string): number {
  return /^(#+) /.exec(line)?.[1]?.length ?? 0
}
