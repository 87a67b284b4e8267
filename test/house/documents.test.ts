/** What the documents say that the code says too: they differ in nothing. */
import { existsSync } from 'node:fs'
import { basename, dirname, join, normalize } from 'node:path'
import t from 'tap'
import { COMMANDS_USAGE, NODE_USAGE, TRACKER_USAGE } from '../../lib/cli/usage.js'
import { blameFor, type Blame } from '../../lib/protocol/blame.js'
import { EXIT_STATUS, isErrorCode } from '../../lib/protocol/errors.js'
import * as limits from '../../lib/protocol/limits.js'
import { GiB, KiB, MiB } from '../../lib/protocol/units.js'
import { DEFAULT_POLICY } from '../../lib/schedule/policy.js'
import { documents } from '../bench/ratio-file.js'
import { ROOT } from '../helpers/command.js'
import { REPORTS } from '../ui/reports.js'
import { anchorsOf, codeIn, linksOf, rowsWith, sectionOf, type Row } from './markdown.js'
import { countLines, filesOf, read } from './repository.js'

const README = read('README.md')
/** It is for users, and they read it from top to bottom. */
const README_LINES = 330
/** What the README says to users of whose fault a code is, and what the code calls that: it looks from one download at its owners. */
const WHOSE_FAULT: Record<string, readonly Blame[]> = {
  ours: ['ours'],
  "this machine's": ['ours'],
  "the disk's": ['ours'],
  "the command's": ['ours'],
  "the command's, or a peer's": ['refused'],
  "the owner's": ['lied', 'refused'],
  "the owners'": ['tracker'],
  "the peer's": ['lost'],
  "the network's": ['lost', 'tracker'],
  "nobody's": ['busy', 'nobody', 'tracker'],
}
const UNITS: Record<string, number> = { '': 1, KiB, MiB, GiB, ms: 1, s: 1_000, min: 60_000, days: 24 * 60 * 60_000 }

await t.test('the limits of the contract are those of the code, all of them', async (t) => {
  const contract = read('lib/protocol/README.md')
  const { DEADLINES, ...constants } = limits
  for (const [column, inCode] of [['constant', constants], ['deadline', DEADLINES]] as const) {
    const documented = rowsWith(column, contract).map((row) => [codeIn(row[column])[0], toNumber(row.value)])
    t.strictSame(Object.fromEntries(documented), { ...inCode }, column)
  }
})

await t.test('the codes and exit statuses of the README are those of the code, all of them', async (t) => {
  const documented = rowsWith('exit status', README).map((row) => [codeIn(row.code)[0], toNumber(row['exit status'])])
  t.strictSame(Object.fromEntries(documented), { ...EXIT_STATUS })
})

await t.test('whose fault a code is, is the same to users and to the code', async (t) => {
  for (const row of rowsWith('exit status', README)) {
    const [code] = codeIn(row.code)
    const words = row['whose fault'] ?? ''
    t.ok(isErrorCode(code) && WHOSE_FAULT[words]?.includes(blameFor(code)), `${code}: ${words}`)
  }
})

await t.test('the numbers of the schedule are those of its policy, all but those of the contract', async (t) => {
  const { pieceBytes, ownerWaitMs, giveUpMs, endOfPart, random, ...numbers } = DEFAULT_POLICY
  const documented = rowsWith('number', read('lib/schedule/README.md')).map((row) => [codeIn(row.number)[0], toNumber(row.value)])
  t.strictSame(Object.fromEntries(documented), numbers)
})

await t.test('the events of --json are those that there are', async (t) => {
  const documented = rowsWith('event', README).flatMap(({ event }) => codeIn(event))
  t.strictSame(documented.sort(), Object.keys(REPORTS).sort())
})

for (const [command, usage] of [['bin/tracker', TRACKER_USAGE], ['bin/node', NODE_USAGE]] as const) {
  await t.test(`the options of ${command} are those of its --help, and so are their defaults`, async (t) => {
    const rows = rowsWith('option', sectionOf(`\`${command}\``, README))
    const documented = rows.flatMap((row) => flagsIn(codeIn(row.option).join(' ')))
    t.strictSame(documented.sort(), optionsOf(usage).flatMap(({ flags }) => flags).sort())
    for (const { flags, byDefault } of optionsOf(usage)) {
      if (byDefault !== undefined) t.match(rowOf(rows, flags)?.meaning, byDefault, `${flags.join(', ')}: ${byDefault} if left out`)
    }
  })
}

await t.test('the commands of a node are those of torrent help', async (t) => {
  const documented = rowsWith('command', sectionOf('What a node is told', README)).flatMap(({ command }) => codeIn(command))
  t.strictSame(documented.sort(), [...COMMANDS_USAGE.matchAll(/^ {2}(torrent .+?)(?: {2}|$)/gm)].map(([, command = '']) => command).sort())
})

await t.test('every package has a line that says why, and no other has', async (t) => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<'dependencies' | 'devDependencies', object>
  const namesIn = (column: string): string[] => rowsWith(column, read('lib/README.md')).flatMap((row) => codeIn(row[column] ?? '')).sort()
  t.strictSame(namesIn('package at run time'), Object.keys(dependencies).sort())
  const ofTypes = '@types/…'
  t.strictSame(namesIn('package for development'), [ofTypes, ...Object.keys(devDependencies).filter((name) => !name.startsWith('@types/'))].sort())
})

await t.test('a README that has a table of its room\'s files has all of them, and no other', async (t) => {
  const rooms = filesOf('lib').filter((path) => path.endsWith('README.md') && /^\| file \|/m.test(read(path))).map((path) => dirname(path))
  t.ok(rooms.length > 5, 'rooms were found')
  for (const room of rooms) {
    const documented = rowsWith('file', read(join(room, 'README.md'))).flatMap(({ file }) => codeIn(file)).filter((name) => !name.endsWith('/'))
    const there = filesOf(room).filter((path) => dirname(path) === room && path.endsWith('.ts') && !path.endsWith('.d.ts')).map((path) => basename(path))
    t.strictSame(documented.sort(), there.sort(), room)
  }
})

await t.test('the tables of ratios are those of the figures that were published', async (t) => {
  for (const { document, before, after } of await documents()) t.equal(before, after, `${document}: npm run bench -- --readme`)
})

await t.test('every link within the project leads somewhere', async (t) => {
  const documents = filesOf('.').filter((path) => path.endsWith('.md'))
  t.ok(documents.length > 5, 'documents were found')
  const broken: string[] = []
  for (const document of documents) {
    for (const { path, anchor } of linksOf(read(document))) {
      const target = path === '' ? document : normalize(join(dirname(document), path))
      const leads = existsSync(join(ROOT, target)) && (anchor === undefined || anchorsOf(read(target)).includes(anchor))
      if (!leads) broken.push(`${document}: ${path}${anchor === undefined ? '' : `#${anchor}`}`)
    }
  }
  t.strictSame(broken, [])
})

await t.test('the README stays short', async (t) => {
  // The table of ratios is as long as there is to compare.
  const text = README.replace(/<!-- ratios[^]*?<!-- end of ratios -->/, '')
  t.ok(countLines(text) <= README_LINES, `${countLines(text)} lines of ${README_LINES}`)
})

/** `64 KiB`, `4,096`, `10 s`: bytes, a count, milliseconds. */
function toNumber (cell = ''): number {
  const [, digits = '', unit = ''] = /^([\d,]+) ?([a-zA-Z]*)$/.exec(cell) ?? []
  return Number(digits.replaceAll(',', '')) * (UNITS[unit] ?? NaN)
}

function optionsOf (usage: string): Array<{ flags: string[], byDefault: string | undefined }> {
  return usage.split(/\n(?= {2,6}-)/).slice(1).map((option) => ({
    flags: flagsIn(option.trim().split(/ {2,}|\n/)[0] ?? ''),
    byDefault: /\(default ([^),;]+)/.exec(option)?.[1],
  }))
}

/** `-p`, `--port PORT` → `-p`, `--port`. */
function flagsIn (text: string): string[] {
  return text.match(/(?<![\w-])--?[a-z][a-z-]*/g) ?? []
}

function rowOf (rows: readonly Row[], flags: readonly string[]): Row | undefined {
  return rows.find((row) => flagsIn(row.option ?? '').some((flag) => flags.includes(flag)))
}
