/** File names are bytes: what a file system can hold goes through every entrance unchanged, and a bad name through none. */
import { open, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { tempDir, visibleFiles } from '../helpers/files.js'
import { startNode, words } from '../helpers/piecemeal.js'
import { trackerHere } from '../helpers/tracker.js'

const NAMES = [
  'with spaces  inside',
  ' spaces around ',
  "single ' quote",
  'double " quote',
  '\'"both"\'',
  '-leading-dash',
  '--json',
  '-m',
  '.leading-dot',
  '...',
  '#%&?',
  '# a comment',
  '~$HOME `id` $(id) ;|<>*[x]!{a,b}',
  '__proto__',
  'constructor',
  'toString',
  '文件名.テスト',
  '🎉👩‍👩‍👧.png',
  'é'.normalize('NFC'),
  'é'.normalize('NFD'),
  'x'.repeat(255),
  'é'.repeat(127) + 'y',
  'exit',
]

const BAD_NAMES = ['', '.', '..', 'a/b', 'a\\b', '/etc/passwd', '../x', 'x'.repeat(256), 'é'.repeat(128), '.piecemeal', 'a\tb', 'a\u0000b', 'a\u0085b', 'a\u007fb']

void t.test('every name that a file system can hold is shared, listed and fetched as it is', async (t) => {
  const dir = await tempDir(t)
  const tracker = await trackerHere(t)
  const owner = await startNode(t, { name: 'owner', tracker, dir, json: true })
  const fetcher = await startNode(t, { name: 'fetcher', tracker, dir, json: true })
  for (const name of NAMES) await writeFile(join(owner.folder, name), `content of ${name}`)

  owner.say(`torrent -m upload ${words(NAMES)}`)
  for (const name of NAMES) await owner.waitFor(`"event":"sharing","file":${JSON.stringify(name)},`)
  fetcher.say('torrent list')
  const [list] = await fetcher.waitFor(/^\{"event":"list".*\n/m)
  const { files } = JSON.parse(list) as { files: Array<{ filename: string }> }
  t.strictSame(files.map(({ filename }) => filename).sort(), [...NAMES].sort(), 'listed as they are')
  fetcher.say(`torrent -m download ${words(NAMES)}`)
  for (const name of NAMES) await fetcher.waitFor(`"event":"saved","file":${JSON.stringify(name)},`)

  const namesAsBytes = (await readdir(fetcher.folder, { encoding: 'buffer' })).map((name) => name.toString('hex'))
  for (const name of NAMES) t.ok(namesAsBytes.includes(Buffer.from(name).toString('hex')), `${JSON.stringify(name)} has exactly that name`)
  for (const name of NAMES) t.equal(await readFile(join(fetcher.folder, name), 'utf8'), `content of ${name}`)
  t.equal(namesAsBytes.length, NAMES.length + 1, 'and there is nothing else, but for the hidden folder')
  t.equal(await fetcher.leave(), 0)
})

void t.test('a name from others is printed in quotes where it could do harm to a terminal', async (t) => {
  const dir = await tempDir(t)
  const tracker = await trackerHere(t)
  const name = 'right\u202eto\u200bleft'
  const owner = await startNode(t, { name: 'owner', tracker, dir })
  await writeFile(join(owner.folder, name), 'x')
  owner.say(`torrent -m upload ${words([name])}`)
  await owner.waitFor('sharing "right\\u202eto\\u200bleft" (')
  t.notMatch(owner.stdout, /\u202e|\u200b/)
})

void t.test('a bad name is refused at upload and at download, and the node lives on', async (t) => {
  const dir = await tempDir(t)
  const node = await startNode(t, { name: 'node', tracker: await trackerHere(t), dir })
  await writeFile(join(node.folder, 'good'), 'good')
  await node.upload('good')
  // At upload a word with a slash is a path, of which the last component is the name.
  const attempts = [...BAD_NAMES.map((name) => ['upload', name.includes('/') ? '/usr/a\tb' : name] as const), ...BAD_NAMES.map((name) => ['download', name] as const)]
  for (const [mode, name] of attempts) {
    const before = node.mark()
    node.say(`torrent -m ${mode} ${words([name])}`)
    const [line] = await node.waitFor(/^failed .*\n/m, { since: before })
    t.match(line, /: E_NAME /, `${JSON.stringify(name.slice(0, 20))} is refused at ${mode}`)
  }
  node.say('torrent status')
  await node.waitFor(/sharing 1, fetching 0/)
  t.equal(await node.leave(), 16)
  t.strictSame(await visibleFiles(node.folder), ['good'])
})

void t.test('a name that is no UTF-8 is refused, and not taken for the name with replacement characters', async (t) => {
  const dir = await tempDir(t)
  const tracker = await trackerHere(t)
  const node = await startNode(t, { name: 'node', tracker, dir })
  await writeFile(join(node.folder, 'a\ufffdb'), 'another file')
  const file = await open(Buffer.concat([Buffer.from(join(node.folder, 'a')), Buffer.of(0xff), Buffer.from('b')]), 'w')
  await file.close()
  node.write(Buffer.concat([Buffer.from('torrent -m upload a'), Buffer.of(0xff), Buffer.from('b\ntorrent status\n')]))
  await node.waitFor(/^failed.*: E_(?:NAME|USAGE) /m)
  node.say('torrent status')
  await node.waitFor('sharing 0,')
  t.notMatch(node.stdout, /^sharing /m)
})
