/** Two owners of the same pieces, one of which lies and is late: what was checked stays as it is. */
import { closeSync, openSync, readFileSync, readdirSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FolderLayout } from '../../lib/content/layout.js'
import { PieceSet } from '../../lib/content/piece-set.js'
import { Selection } from '../../lib/content/selection.js'
import { FolderLanding } from '../../lib/download/folder-landing.js'
import { landingOf, type Landing } from '../../lib/download/landing.js'
import type { PartPlace } from '../../lib/download/part-place.js'
import { unpack } from '../../lib/tree/unpack.js'
import { TreeControl } from '../../lib/tree/tree-control.js'
import { build, file } from '../manifest/manifests.js'
import { PartControl } from '../../lib/threads/part-control.js'
import { piecesOf, tinyContent } from './contents.js'

const content = tinyContent(95)

async function begin (t: Test): Promise<{ folder: string, landing: Landing }> {
  const folder = t.testdir({})
  let files = 0
  const workspace = { newPartFile: (firstPiece: number) => join(folder, `${firstPiece}-${files++}.part`) }
  const landing = landingOf({ content, pieces: content.pieces, zeros: new PieceSet(10), target: join(folder, 'file'), inWindows: true, workspace, onGood: undefined })
  t.teardown(async () => await landing.close())
  await landing.takeUp([])
  return { folder, landing }
}

/** As a thread does it: these pieces of its part, or a lie. */
function write ({ path, originPiece }: PartPlace, firstPiece: number, endPiece: number, isTrue = true): void {
  const bytes = Buffer.from(piecesOf(content.data, firstPiece, endPiece))
  const fd = openSync(path, readdirSync(join(path, '..')).some((name) => path.endsWith(name)) ? 'r+' : 'wx')
  writeSync(fd, isTrue ? bytes : bytes.fill('a lie'), 0, bytes.length, (firstPiece - originPiece) * content.pieceLength)
  closeSync(fd)
}

await t.test('a rival of a window has a file of its own, and is copied in only once the window is nobody\'s', async (t) => {
  const { folder, landing } = await begin(t)
  const slow = landing.placeFor({ firstPiece: 0, endPiece: 10 })
  write(slow, 0, 9)
  const rival = landing.placeFor({ firstPiece: 9, endPiece: 10 })
  t.match([slow.isWindow, rival], [true, { isWindow: false, originPiece: 9 }])
  write(rival, 9, 10)
  await landing.ended(rival, { ...rival, endPiece: 10 })
  // Its last byte comes late, and is a lie.
  write(slow, 9, 10, false)
  await landing.ended(slow, { ...slow, endPiece: 9 })
  const { path = '' } = await landing.finish()
  t.ok(readFileSync(path).equals(content.data))
  t.strictSame(readdirSync(folder), ['0-0.part'])
})

await t.test('a tail is another\'s window from where the first thread writes no more', async (t) => {
  const { landing } = await begin(t)
  const first = landing.placeFor({ firstPiece: 0, endPiece: 10 })
  const control = PartControl.forPart(0, 10)
  control.claim(7)
  landing.shortened(first, control.stopBefore(5))
  const early = landing.placeFor({ firstPiece: 5, endPiece: 10 })
  t.notOk(early.isWindow, 'it may be writing two more')
  const tail = landing.placeFor({ firstPiece: 7, endPiece: 10 })
  t.match(tail, { isWindow: true, isBlank: false })
  t.equal(control.claim(8), 5, 'and it will not go on')

  write(first, 0, 7, false)
  write(first, 0, 5)
  write(tail, 7, 10)
  write(early, 5, 10)
  await landing.ended(tail, { ...tail, endPiece: 10 })
  await landing.ended(early, { ...early, endPiece: 10 })
  await landing.ended(first, { ...first, endPiece: 5 })
  t.ok(readFileSync((await landing.finish()).path ?? '').equals(content.data))
})

await t.test('what a part has not brought is free for the next, and no longer blank', async (t) => {
  const { landing } = await begin(t)
  const first = landing.placeFor({ firstPiece: 2, endPiece: 8 })
  t.ok(first.isBlank)
  write(first, 2, 6, false)
  write(first, 2, 4)
  await landing.ended(first, { ...first, endPiece: 4 })
  t.notOk(landing.placeFor({ firstPiece: 3, endPiece: 5 }).isWindow, 'a good piece is not written again')
  t.match(landing.placeFor({ firstPiece: 4, endPiece: 8 }), { isWindow: true, isBlank: false })
})

await t.test('in a folder: a rival has a part file, and is taken apart only once the window is nobody\'s', async (t) => {
  const root = t.testdir({ tree: { a: '', b: '', c: '' }, parts: {} })
  const [tree, parts] = [join(root, 'tree'), join(root, 'parts')]
  const manifest = build([file('a', 4), file('b', 4), file('c', 4)])
  const selection = new Selection(new FolderLayout(manifest.sizes), Uint32Array.of(0, 1, 2))
  const good: string[] = []
  const landing = new FolderLanding({
    manifest,
    selection,
    root: tree,
    isNew: true,
    inWindows: true,
    zeros: new PieceSet(3),
    workspace: { newPartFile: (firstPiece) => join(parts, `${firstPiece}-0.part`) },
    unpack: async (task) => { await Promise.resolve(unpack(task)) },
    control: new TreeControl(),
    onGood: ({ firstPiece, endPiece, path }) => good.push(`${firstPiece}-${endPiece} in ${path === tree ? 'the tree' : path}`),
  })
  await landing.takeUp([])
  const slow = landing.placeFor({ firstPiece: 0, endPiece: 3 })
  t.match(slow, { isWindow: true, isBlank: true, path: tree, files: { paths: ['a', 'b', 'c'], bytes: Float64Array.of(4, 4, 4), offset: 0 } })
  const rival = landing.placeFor({ firstPiece: 2, endPiece: 3 })
  t.match(rival, { isWindow: false, originPiece: 2 })
  writeFileSync(rival.path, 'good')
  await landing.ended(rival, { ...rival, endPiece: 3 })
  t.equal(landing.files, 0)
  // Its last file comes late, and is a lie.
  for (const [name, text] of [['a', 'fine'], ['b', 'well'], ['c', 'a lie']] as const) writeFileSync(join(tree, name), text.slice(0, 4))
  await landing.ended(slow, { ...slow, endPiece: 2 })
  await landing.finish()
  t.strictSame(['a', 'b', 'c'].map((name) => readFileSync(join(tree, name), 'utf8')), ['fine', 'well', 'good'])
  t.strictSame([landing.files, good, readdirSync(parts)], [3, ['2-3 in the tree'], []])
  await landing.close()
})
