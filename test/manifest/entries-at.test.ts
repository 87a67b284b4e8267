import t from 'tap'
import { childrenOf, entriesAt } from '../../lib/manifest/entries-at.js'
import { build, file, folder, inOrder, link } from './manifests.js'

const manifest = build(inOrder([file('a'), file('a b'), file('a-b/c'), file('d/a'), file('d/b/c'), file('d/b/e'), file('d/b.c'), file('d/b b'), file('d b'), link('d/l', 'a'), folder('d/none'), file('é/ü')]))

function children (path: string): string[] {
  return [...childrenOf(manifest, path)].map(({ name, entry }) => entry === undefined ? `${name}/` : name)
}

await t.test('what is directly in a folder, and all that is at a path', async (t) => {
  t.strictSame(children(''), ['a', 'a b', 'a-b/', 'd/', 'd b', 'é/'])
  t.strictSame(children('d'), ['a', 'b/', 'b b', 'b.c', 'l', 'none'])
  t.strictSame(children('d/b'), ['c', 'e'])
  t.strictSame(children('é'), ['ü'])
  for (const path of ['d/none', 'nothing', 'd/', 'd/b/', 'a', 'd/l']) t.strictSame(children(path), [], path)
  const paths = (path: string): string[] => {
    const { first, end } = entriesAt(manifest, path)
    return Array.from({ length: end - first }, (_, i) => manifest.path(first + i))
  }
  t.equal(paths('').length, manifest.entryCount)
  t.strictSame(paths('d/b'), ['d/b/c', 'd/b/e'])
  t.strictSame(paths('d/l'), ['d/l'])
  t.strictSame(paths('a'), ['a'])
  for (const path of ['nothing', 'd/b/', 'zz', '../a', 'd/../a']) t.strictSame(paths(path), [], path)
})
