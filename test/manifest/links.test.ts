import t from 'tap'
import type { Entry } from '../../lib/manifest/entry.js'
import { build, file, folder, inOrder, link } from './manifests.js'

const chain = (length: number): Entry[] => Array.from({ length }, (_, i) => link(`l${i}`, i + 1 < length ? `l${i + 1}` : 'end'))
/** As a path: so many times out to what is not there and back, two steps each. */
const around = (times: number): string => 'm/../'.repeat(times)
/** The last of these takes 3201 steps. */
const MANY_STEPS = [link('a', around(800)), link('b', `a/${around(800)}`)]

const INSIDE: Array<[what: string, entries: Entry[]]> = [
  ['to a file beside it', [file('a'), link('b', 'a')]],
  ['to the folder itself', [link('a', '.'), link('b/c', '..')]],
  ['to what is not there', [link('a', 'no/such/thing'), link('b', 'no/../x')]],
  ['through what is not there and back', [link('a', 'x/y/z/../../..')]],
  ['up and down again', [file('a/b/c'), link('a/b/d', '../../a/b/c')]],
  ['through a link to another folder', [file('x/y/z'), link('a', 'x/y'), link('b', 'a/../y/z')]],
  ['up from where a link led, which is deeper', [file('x/y/z'), link('a', 'x/y'), link('b', 'a/../..')]],
  ['slashes and dots', [file('a/b'), link('c', './/a/.///b/')]],
  ['what a name begins with is no folder', [file('ab/c'), link('x', 'a/..')]],
  ['a file is no way, but leads nowhere else', [file('a'), link('b', 'a/..')]],
  ['nor does an empty folder', [folder('a'), link('b', 'a/..')]],
  ['names that are dangerous to no file system', [link('a', '__proto__'), link('b', 'a\nb\\c'), link('c', 'x'.repeat(4_095))]],
  ['40 links', chain(40)],
  ['4096 steps', [...MANY_STEPS, link('c', `b/${around(447)}`)]],
]

/** Each with the link that is named. */
const OUTSIDE: Array<[what: string, entries: Entry[], path: string]> = [
  ['up', [link('a', '..')], 'a'],
  ['up from below', [link('a/b', '../..')], 'a/b'],
  ['up and in again, by the name of the folder', [link('a', '../folder/a')], 'a'],
  ['absolute', [link('a', '/')], 'a'],
  ['absolute, to a file of the system', [link('a/b', '/etc/passwd')], 'a/b'],
  ['to proc', [link('a', '/proc/self/root')], 'a'],
  ['to proc by steps', [link('a/b/c', '../../../proc/self')], 'a/b/c'],
  ['out after what is not there', [link('a', 'x/../..')], 'a'],
  // On paper it stays inside: a/b/p is q, whose parent is the folder itself.
  ['by a link on the way', [link('a/b/p', '../../q'), link('a/b/x', '../../a/b/p/../../canary')], 'a/b/x'],
  ['by a link on the way that comes later', [link('a', 'z/../..'), link('z', 'b')], 'a'],
  ['up from where a link led, which is less deep', [file('b/c'), link('x/y/z', '../../b'), link('x/y/zz', 'z/../..')], 'x/y/zz'],
  ['through a link to a link', [link('a', 'd/e/f/../..'), link('d/e/f', '../../g'), link('g', 'h')], 'a'],
  ['a file is no way out', [file('a'), link('b', 'a/../..')], 'b'],
  ['a circle of one', [link('a', 'a')], 'a'],
  ['a circle of two', [link('a', 'b'), link('b', 'a')], 'a'],
  ['a circle below itself', [link('a', 'a/b')], 'a'],
  ['a circle by way of a folder', [link('a/b', '../c/d'), link('c/d', '../a/b')], 'a/b'],
  ['41 links', chain(41), 'l40'],
  ['41 links, the end of which is known already', inOrder([...chain(40), link('z', 'l0')]), 'z'],
  ['twice 21 links on one way', inOrder([...chain(21), link('z', 'l0/../l0')]), 'z'],
  ['4097 steps', [...MANY_STEPS, link('c', `b/${around(447)}m`)], 'c'],
]

for (const [what, entries] of INSIDE) {
  await t.test(`stays inside: ${what}`, async (t) => {
    t.doesNotThrow(() => build(inOrder(entries)))
  })
}

for (const [what, entries, path] of OUTSIDE) {
  await t.test(`is refused: ${what}`, async (t) => {
    t.throws(() => build(inOrder(entries)), { code: 'E_FORBIDDEN', message: new RegExp(`^"${path}" is a link that`) })
  })
}

await t.test('links that take a stranger no bytes to speak of, and us hours', async (t) => {
  const entries = function * (): Generator<Entry> {
    yield * MANY_STEPS
    for (let i = 0; i < 100_000; i++) yield link(`c${i}`.padEnd(7, 'x'), 'b')
  }
  t.doesNotThrow(() => build(inOrder(entries())), 'what is followed once is not followed again')
  const long = Array.from({ length: 10_000_000 / 2_000 + 1 }, (_, i) => link(`${i}`.padStart(5, '0'), 'm/'.repeat(2_000)))
  t.throws(() => build(long), { code: 'E_LIMIT', message: 'the links of the folder take more than 10000000 steps together' })
})

await t.test('a link that no file system can hold is none', async (t) => {
  for (const target of ['', 'a\0b', '\ud800', 'x'.repeat(4_096), '😀'.repeat(1_024)]) {
    t.throws(() => build([link('a', target)]), { code: 'E_PROTOCOL', message: /^"a" is a link to what no link can lead to/ }, JSON.stringify(target.slice(0, 20)))
  }
})
