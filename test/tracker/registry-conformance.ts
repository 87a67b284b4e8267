/**
 * What any registry has to do, as its interface says. A test file gives it a name and a way to
 * make an empty one:
 *
 *     await registryConformance(t, 'redis', async () => new RedisRegistry(url))
 */
import type { Test } from 'tap'
import type { ListedFile, OwnerQuestion, OwnerRecord, Registry } from '../../lib/tracker/registry.js'
import { MiB } from '../../lib/protocol/units.js'

type Subtest = Pick<Test, 'test'>
/** The smallest limits that a test can reach, for registries that can be told theirs. */
export interface SmallLimits {
  sharesPerNode: number
  records: number
}
/** `now` in milliseconds; the clock if left out. */
export type MakeRegistry = (limits?: SmallLimits, now?: () => number) => Registry | Promise<Registry>

export function digestOf (text: string): string {
  return `blake3:${Buffer.from(text).toString('hex').padEnd(64, '0').slice(0, 64)}`
}

export function record (filename: string, more: Partial<OwnerRecord> = {}): OwnerRecord {
  return { filename, size: 5, digest: digestOf('a'), pieceLength: MiB, host: '127.0.0.1', inputPort: 8082, outputPort: 9092, complete: true, ...more }
}

async function joined (registry: Registry, ...nodes: string[]): Promise<void> {
  for (const node of nodes) await registry.join(node)
}

/** Without when each was announced, which differs. */
async function listed (registry: Registry, prefix: string, most: number): Promise<ListedFile[]> {
  return (await registry.list(prefix, most)).files.map(({ since, ...file }) => file)
}

/** But for when it was first announced. */
async function found (registry: Registry, question: OwnerQuestion): Promise<object> {
  const { since, ...rest } = await registry.owners(question)
  return rest
}

async function ownerNames (registry: Registry, filename: string, asker = 'asker', digestPrefix?: string): Promise<string[]> {
  const { owners } = await registry.owners({ filename, asker, digestPrefix })
  return owners.map(({ name }) => name).sort()
}

export async function registryConformance (t: Subtest, name: string, makeRegistry: MakeRegistry): Promise<void> {
  await t.test(`${name}: a name belongs to one live connection`, async (t) => {
    const registry = await makeRegistry()
    await registry.join('NodeA')
    await t.rejects(registry.join('NodeA'), { code: 'E_NAME_TAKEN', message: /"NodeA"/ })
    await registry.join('NodeB')
    await registry.leave('NodeA')
    await t.resolves(registry.join('NodeA'), 'free again')
    await t.resolves(registry.leave('NobodyYet'), 'a name that is free is left as it is')
    for (const word of ['constructor', 'toString', 'hasOwnProperty']) {
      await t.resolves(registry.join(word))
      await t.rejects(registry.join(word), { code: 'E_NAME_TAKEN' }, word)
    }
  })

  await t.test(`${name}: a connection of the same session takes the place of the older one`, async (t) => {
    let nowMs = 0
    const registry = await makeRegistry(undefined, () => nowMs)
    const replaced: string[] = []
    const join = async (connection: string, session?: string): Promise<void> => await registry.join('NodeA', { session, onReplaced: () => replaced.push(connection) })
    await join('first', 'aa')
    await registry.have('NodeA', record('a'))
    for (const session of [undefined, 'bb']) await t.rejects(join('other', session), { code: 'E_NAME_TAKEN' })
    t.strictSame(await ownerNames(registry, 'a'), ['NodeA'])
    await join('second', 'aa')
    t.strictSame(replaced, ['first'])
    await t.rejects(registry.owners({ filename: 'a', asker: 'x' }), { code: 'E_NO_OWNER' }, 'what the older one owned is the newer one\'s to say')
    await registry.have('NodeA', record('b'))
    await Promise.all([join('third', 'aa'), join('fourth', 'aa')])
    t.strictSame(replaced, ['first', 'second', 'third'])
    await registry.have('NodeA', record('b'))

    nowMs = 59_999
    await t.rejects(join('fifth', 'aa'), { code: 'E_NAME_TAKEN' }, 'after three times it stays with whoever has it')
    t.strictSame(await ownerNames(registry, 'b'), ['NodeA'])
    nowMs = 60_000
    await t.resolves(join('fifth', 'aa'), 'for a minute')
    t.strictSame(replaced, ['first', 'second', 'third', 'fourth'])
    await registry.leave('NodeA')
    await join('sixth')
    await t.rejects(join('seventh'), { code: 'E_NAME_TAKEN' }, 'no session is no session in common')
    t.equal(replaced.length, 4)
  })

  await t.test(`${name}: who owns it`, async (t) => {
    const registry = await makeRegistry()
    await joined(registry, 'NodeA', 'NodeB')
    await t.rejects(registry.owners({ filename: 'a', asker: 'NodeB' }), { code: 'E_NO_OWNER', message: /"a"/ })
    await registry.have('NodeA', record('a', { inputPort: 1, outputPort: 2 }))
    t.strictSame(await found(registry, { filename: 'a', asker: 'NodeB' }), {
      filename: 'a',
      size: 5,
      digest: digestOf('a'),
      pieceLength: MiB,
      owners: [{ name: 'NodeA', host: '127.0.0.1', inputPort: 1, outputPort: 2, complete: true }],
    })
    for (const other of ['A', 'a ', 'aa', '', 'a\u0301']) await t.rejects(registry.owners({ filename: other, asker: 'NodeB' }), { code: 'E_NO_OWNER' }, `not ${JSON.stringify(other)}`)
  })

  await t.test(`${name}: file names are words like any other`, async (t) => {
    const registry = await makeRegistry()
    await joined(registry, 'NodeA')
    const names = ['__proto__', 'constructor', 'toString', ' ', '-x', '*', '?[a]', 'a:b', 'e\u0301', '\u00e9', '😀', 'x'.repeat(255)]
    for (const filename of names) await registry.have('NodeA', record(filename, { digest: digestOf(filename.slice(0, 20)) }))
    for (const filename of names) {
      const found = await registry.owners({ filename, asker: 'NodeB' })
      t.strictSame([found.filename, found.digest], [filename, digestOf(filename.slice(0, 20))])
    }
    const { files } = await registry.list('', 1_000)
    t.strictSame(files.map(({ filename }) => filename).sort(), [...names].sort())
    await registry.withdraw('NodeA', '__proto__')
    await t.rejects(registry.owners({ filename: '__proto__', asker: 'NodeB' }), { code: 'E_NO_OWNER' })
    t.strictSame(await ownerNames(registry, 'constructor'), ['NodeA'])
  })

  await t.test(`${name}: the asker is never among its own answers`, async (t) => {
    const registry = await makeRegistry()
    await joined(registry, 'NodeA', 'NodeB')
    await registry.have('NodeA', record('a'))
    await t.rejects(registry.owners({ filename: 'a', asker: 'NodeA' }), { code: 'E_NO_OWNER' })
    await registry.have('NodeB', record('a'))
    t.strictSame(await ownerNames(registry, 'a', 'NodeA'), ['NodeB'])
    t.strictSame(await ownerNames(registry, 'a', 'NodeB'), ['NodeA'])
    await registry.have('NodeA', record('a', { complete: false }))
    t.strictSame(await ownerNames(registry, 'a', 'NodeA'), ['NodeB'])
  })

  await t.test(`${name}: withdraw takes away one file of one node`, async (t) => {
    const registry = await makeRegistry()
    await joined(registry, 'NodeA', 'NodeB')
    for (const node of ['NodeA', 'NodeB']) for (const file of ['a', 'b']) await registry.have(node, record(file))
    await registry.withdraw('NodeA', 'a')
    t.strictSame(await ownerNames(registry, 'a'), ['NodeB'])
    t.strictSame(await ownerNames(registry, 'b'), ['NodeA', 'NodeB'])
    await t.resolves(registry.withdraw('NodeA', 'a'), 'twice')
    await t.resolves(registry.withdraw('NodeA', 'never had it'))
    await t.resolves(registry.withdraw('Nobody', 'a'))
    await registry.withdraw('NodeB', 'a')
    await t.rejects(registry.owners({ filename: 'a', asker: 'x' }), { code: 'E_NO_OWNER' })
    t.strictSame((await listed(registry, '', 10)).map(({ filename }) => filename), ['b'])
    await registry.have('NodeA', record('a'))
    t.strictSame(await ownerNames(registry, 'a'), ['NodeA'], 'and back')
  })

  await t.test(`${name}: leave takes away all that a node had`, async (t) => {
    const registry = await makeRegistry()
    await joined(registry, 'NodeA', 'NodeB')
    for (const file of ['a', 'b', 'c']) await registry.have('NodeA', record(file))
    await registry.have('NodeB', record('b'))
    await registry.leave('NodeA')
    t.strictSame(await listed(registry, '', 10), [{ filename: 'b', size: 5, digest: digestOf('a'), owners: 1 }])
    await registry.join('NodeA')
    t.strictSame(await ownerNames(registry, 'b'), ['NodeB'], 'a name that is back has nothing of what it had')
  })

  await t.test(`${name}: a node has one content under one name`, async (t) => {
    const registry = await makeRegistry()
    await joined(registry, 'NodeA')
    await registry.have('NodeA', record('a', { size: 5 }))
    await registry.have('NodeA', record('a', { size: 7, digest: digestOf('b'), inputPort: 3 }))
    const found = await registry.owners({ filename: 'a', asker: 'x' })
    t.match(found, { size: 7, digest: digestOf('b'), owners: [{ inputPort: 3 }] })
    t.equal(found.owners.length, 1)
    t.strictSame(await listed(registry, '', 10), [{ filename: 'a', size: 7, digest: digestOf('b'), owners: 1 }])
    await registry.have('NodeA', record('a', { size: 7, digest: digestOf('b'), inputPort: 4 }))
    t.match(await registry.owners({ filename: 'a', asker: 'x' }), { owners: [{ inputPort: 4 }] }, 'the same again: the latest word counts')
    t.equal((await registry.list('', 10)).files[0]?.owners, 1, 'and counts once')
  })

  await t.test(`${name}: a download becomes complete`, async (t) => {
    const registry = await makeRegistry()
    await joined(registry, 'NodeA')
    for (const complete of [false, true, false]) {
      await registry.have('NodeA', record('a', { complete }))
      const { owners } = await registry.owners({ filename: 'a', asker: 'x' })
      t.strictSame(owners.map(({ complete }) => complete), [complete])
    }
  })

  await t.test(`${name}: several contents under one name are never mixed`, async (t) => {
    const registry = await makeRegistry()
    await joined(registry, 'NodeA', 'NodeB', 'NodeC', 'NodeD')
    const [one, other] = [`blake3:${'ab'.repeat(4)}${'0'.repeat(56)}`, `blake3:${'ab'.repeat(4)}${'1'.repeat(56)}`]
    const third = `blake3:${'cd'.repeat(32)}`
    await registry.have('NodeA', record('a', { digest: one }))
    await registry.have('NodeB', record('a', { digest: one, complete: false }))
    await registry.have('NodeC', record('a', { digest: other, size: 6 }))
    await registry.have('NodeD', record('a', { digest: third, size: 7 }))
    const conflict = await registry.owners({ filename: 'a', asker: 'x' }).then(() => undefined, (error: unknown) => error) as { code?: string, versions?: Array<{ digest: string }> }
    t.equal(conflict.code, 'E_CONFLICT')
    t.strictSame([...conflict.versions ?? []].sort((a, b) => a.digest < b.digest ? -1 : 1), [
      { digest: one, size: 5, owners: 2 }, { digest: other, size: 6, owners: 1 }, { digest: third, size: 7, owners: 1 },
    ])
    await t.rejects(registry.owners({ filename: 'a', asker: 'x', digestPrefix: 'blake3:abababab' }), { code: 'E_CONFLICT', versions: { length: 2 } }, 'as many as begin so')
    t.strictSame(await ownerNames(registry, 'a', 'x', one), ['NodeA', 'NodeB'])
    t.strictSame(await ownerNames(registry, 'a', 'x', 'blake3:abababab1'), ['NodeC'])
    t.strictSame(await ownerNames(registry, 'a', 'x', 'blake3:cdcdcdcd'), ['NodeD'])
    await t.rejects(registry.owners({ filename: 'a', asker: 'x', digestPrefix: 'blake3:ffffffff' }), { code: 'E_NO_OWNER' })
    await t.rejects(registry.owners({ filename: 'a', asker: 'NodeD', digestPrefix: third }), { code: 'E_NO_OWNER' })
    t.strictSame((await listed(registry, 'a', 10)).map(({ digest, owners }) => ({ digest, owners })).sort((a, b) => a.digest < b.digest ? -1 : 1), [
      { digest: one, owners: 2 }, { digest: other, owners: 1 }, { digest: third, owners: 1 },
    ], 'a list has one entry a content')
    await registry.leave('NodeC')
    await registry.withdraw('NodeD', 'a')
    t.strictSame(await ownerNames(registry, 'a', 'x'), ['NodeA', 'NodeB'], 'over when the others have gone')
  })

  await t.test(`${name}: what an upload takes the place of is older`, async (t) => {
    const [one, two, three, four] = ['1', '2', '3', '4'].map(digestOf) as [string, string, string, string]
    type Holder = [node: string, digest: string, more?: Partial<OwnerRecord>]
    const uploaded = (node: string, digest: string, ...replaces: string[]): Holder => [node, digest, { origin: true, ...(replaces.length > 0 && { replaces }) }]
    const fetched = (node: string, digest: string, ...replaces: string[]): Holder => [node, digest, replaces.length > 0 ? { replaces } : {}]
    const table: Array<[what: string, holders: Holder[], newest: string[], older: string[]]> = [
      ['shared again while others have what was there before', [uploaded('A', two, one), fetched('B', one)], [two], [one]],
      ['and again: what is fetched of each', [uploaded('A', three, two, one), fetched('B', two, one), fetched('C', one)], [three], [one, two]],
      ['whoever fetched it says it as well, when its origin has gone', [fetched('B', two, one), fetched('C', one)], [two], [one]],
      ['incomplete ones, too', [['B', two, { replaces: [one], complete: false }], fetched('C', one)], [two], [one]],
      ['back to what it was', [uploaded('A', one, two), fetched('B', two, one)], [one], [two]],
      ['somebody else\'s upload of what was replaced', [uploaded('A', two, one), uploaded('D', one)], [one, two], []],
      ['an edited copy of somebody else\'s file', [uploaded('A', one), uploaded('D', two)], [one, two], []],
      ['two that replace the same', [uploaded('A', two, one), uploaded('D', three, one), fetched('B', one)], [two, three], [one]],
      ['two that replace each other', [uploaded('A', two, one), uploaded('D', one, two)], [one, two], []],
      ['the same when their origins have gone', [fetched('A', two, one), fetched('D', one, two)], [one, two], []],
      ['a third one stays a conflict', [uploaded('A', two, one), fetched('B', one), uploaded('D', four)], [two, four], [one]],
      ['one that says it replaces itself', [uploaded('A', one, one), uploaded('D', two)], [one, two], []],
      ['nobody has what is replaced', [uploaded('A', two, one)], [two], []],
    ]
    for (const [what, holders, newest, older] of table) {
      const registry = await makeRegistry()
      for (const [node, digest, more] of holders) {
        await registry.join(node)
        await registry.have(node, record('a', { digest, ...more }))
        await registry.have(node, record('b', { digest: three }))
      }
      const versions = await registry.owners({ filename: 'a', asker: 'x' }).then(({ digest }) => [digest], ({ versions }: { versions: Array<{ digest: string }> }) => versions.map(({ digest }) => digest))
      t.strictSame(versions.sort(), newest, what)
      const { files } = await registry.list('a', 10)
      t.strictSame(files.filter(({ older }) => older).map(({ digest }) => digest).sort(), older, `${what}: listed as older`)
      t.strictSame(files.map(({ digest }) => digest).sort(), [...new Set(holders.map(([, digest]) => digest))].sort(), `${what}: all are listed`)
      for (const [, digest] of holders) t.equal((await registry.owners({ filename: 'a', asker: 'x', digestPrefix: digest })).digest, digest, `${what}: each can be had by its digest`)
    }
  })

  await t.test(`${name}: what it says of versions goes by who is there`, async (t) => {
    const registry = await makeRegistry()
    await joined(registry, 'A', 'B', 'C')
    const [one, two, three] = [digestOf('1'), digestOf('2'), digestOf('3')]
    await registry.have('A', record('a', { digest: one, origin: true }))
    await registry.have('B', record('a', { digest: one }))
    t.strictSame((await registry.owners({ filename: 'a', asker: 'x' })).replaces, undefined)
    await registry.have('A', record('a', { digest: two, origin: true, replaces: [one] }))
    await registry.have('C', record('a', { digest: two, replaces: [one, three] }))
    t.strictSame((await registry.owners({ filename: 'a', asker: 'x' })).replaces, [one, three], 'all that they say')
    t.strictSame((await listed(registry, '', 10)).find(({ digest }) => digest === two)?.replaces, [one, three])
    await registry.leave('C')
    t.strictSame((await registry.owners({ filename: 'a', asker: 'x' })).replaces, [one])
    await registry.leave('A')
    t.strictSame(await ownerNames(registry, 'a'), ['B'], 'nobody says that there is a newer one')
    t.strictSame(await listed(registry, '', 10), [{ filename: 'a', size: 5, digest: one, owners: 1 }])
  })

  await t.test(`${name}: a node's ports may move, with all that it has`, async (t) => {
    const registry = await makeRegistry()
    await joined(registry, 'A', 'B')
    for (const [filename, complete] of [['a', true], ['b', false]] as const) await registry.have('A', record(filename, { complete }))
    await registry.have('B', record('a'))
    const owners = async (filename: string): Promise<object[]> => (await registry.owners({ filename, asker: 'x' })).owners.sort((a, b) => a.name < b.name ? -1 : 1)
    await owners('a')
    const place = { host: '192.0.2.1', inputPort: 5, outputPort: 6 }
    await registry.move('A', place)
    t.strictSame(await owners('a'), [{ name: 'A', ...place, complete: true }, { name: 'B', host: '127.0.0.1', inputPort: 8082, outputPort: 9092, complete: true }])
    t.strictSame(await owners('b'), [{ name: 'A', ...place, complete: false }])
    await t.resolves(registry.move('Nobody', place))
    await registry.leave('A')
    t.strictSame(await ownerNames(registry, 'a'), ['B'])
  })

  await t.test(`${name}: one digest is one content, whatever is said beside it`, async (t) => {
    const registry = await makeRegistry()
    await joined(registry, 'Liar', 'A', 'B', 'C')
    const size = async (): Promise<number> => (await registry.owners({ filename: 'a', asker: 'x' })).size
    await registry.have('Liar', record('a', { size: 7 }))
    await registry.have('A', record('a', { complete: false }))
    t.strictSame(await ownerNames(registry, 'a'), ['A', 'Liar'], 'all are listed')
    t.equal(await size(), 7, 'a complete one\'s word against an incomplete one\'s')
    await registry.have('A', record('a'))
    await registry.have('B', record('a'))
    t.equal(await size(), 5, 'as most complete owners say')
    t.strictSame(await listed(registry, '', 10), [{ filename: 'a', size: 5, digest: digestOf('a'), owners: 3 }])
    await registry.leave('A')
    await registry.leave('B')
    t.equal(await size(), 7)
    await registry.have('C', record('a'))
    await registry.leave('Liar')
    t.equal(await size(), 5, 'nobody says otherwise any more')
    await registry.have('C', record('a', { size: 6 }))
    t.equal(await size(), 6)
    const huge = record('huge', { size: 2 ** 34, pieceLength: 2 ** 21 })
    await registry.have('C', record('huge'))
    for (const node of ['A', 'B']) {
      await registry.join(node)
      await registry.have(node, huge)
    }
    t.match(await registry.owners({ filename: 'huge', asker: 'x' }), { size: 2 ** 34, pieceLength: 2 ** 21 }, 'with the piece length of that size')
  })

  await t.test(`${name}: what most complete owners say of a folder`, async (t) => {
    const registry = await makeRegistry()
    await joined(registry, 'Liar', 'A', 'B')
    const folder = { size: 50, kind: 'folder', files: 3, filesSize: 2 ** 40 } as const
    const said = async (): Promise<object> => {
      const { owners, filename, digest, pieceLength, since, ...hints } = await registry.owners({ filename: 'a', asker: 'x' })
      const [file] = await listed(registry, '', 10)
      t.strictSame(file, { filename, ...hints, digest, owners: owners.length }, 'and it is listed so')
      return hints
    }
    await registry.have('Liar', record('a'))
    t.strictSame(await said(), { size: 5 }, 'a file')
    await registry.have('A', record('a', { ...folder, complete: false }))
    t.strictSame(await said(), { size: 5 })
    await registry.have('A', record('a', folder))
    await registry.have('B', record('a', folder))
    t.strictSame(await said(), folder)
    await registry.have('B', record('a', { ...folder, files: 4 }))
    await registry.have('Liar', record('a', { ...folder, files: 4 }))
    t.strictSame(await said(), { ...folder, files: 4 }, 'all of it as one')
    await registry.leave('Liar')
    await registry.leave('B')
    t.strictSame(await said(), folder)
    await registry.have('A', record('a', { files: 7, filesSize: 8 }))
    t.strictSame(await said(), { size: 5 }, 'a file has none')
  })

  await t.test(`${name}: at most 50 owners, complete ones first, otherwise shuffled`, async (t) => {
    const registry = await makeRegistry()
    for (let i = 0; i < 60; i++) {
      await registry.join(`Complete${i}`)
      await registry.have(`Complete${i}`, record('many', { outputPort: i + 1 }))
    }
    for (let i = 0; i < 60; i++) {
      await registry.join(`Partial${i}`)
      await registry.have(`Partial${i}`, record('many', { complete: false }))
      if (i < 10) await registry.have(`Complete${i}`, record('few'))
      await registry.have(`Partial${i}`, record('few', { complete: false }))
    }
    const orders = new Set<string>()
    const seen = new Set<string>()
    for (let i = 0; i < 40; i++) {
      const { owners } = await registry.owners({ filename: 'many', asker: 'Complete7' })
      if (owners.length !== 50 || owners.some(({ complete, name }) => !complete || name === 'Complete7')) t.fail('50 complete owners, not the asker')
      if (new Set(owners.map(({ name }) => name)).size !== 50) t.fail('nobody twice')
      if (owners.some(({ name, outputPort }) => name !== `Complete${outputPort - 1}`)) t.fail('each with its own ports')
      for (const { name } of owners) seen.add(name)
      orders.add(owners.map(({ name }) => name).join())
    }
    t.equal(orders.size, 40, 'every time in another order')
    t.equal(seen.size, 59, 'and everybody has a turn')

    const few = (await registry.owners({ filename: 'few', asker: 'x' })).owners
    t.equal(few.length, 50)
    t.strictSame(few.map(({ complete }) => complete), [...Array<boolean>(10).fill(true), ...Array<boolean>(40).fill(false)])
    t.equal((await registry.owners({ filename: 'few', asker: 'Complete7' })).owners.filter(({ complete }) => complete).length, 9)
    t.match((await registry.list('', 10)).files.find(({ filename }) => filename === 'few'), { owners: 70 }, 'a count has no such limit')
  })

  await t.test(`${name}: the list of files`, async (t) => {
    const registry = await makeRegistry()
    t.match(await registry.list('', 10), { files: { length: 0 }, truncated: false })
    await joined(registry, 'NodeA', 'NodeB')
    for (const file of ['a', 'ab', 'abc', 'b', '*', '%']) await registry.have('NodeA', record(file))
    await registry.have('NodeB', record('ab', { complete: false }))
    const names = async (prefix: string, most = 10): Promise<string[]> => (await registry.list(prefix, most)).files.map(({ filename }) => filename).sort()
    t.strictSame(await names(''), ['a', 'ab', 'abc', 'b', '*', '%'].sort())
    t.strictSame(await names('a'), ['a', 'ab', 'abc'])
    t.strictSame(await names('ab'), ['ab', 'abc'])
    t.strictSame(await names('*'), ['*'], 'a prefix is no pattern')
    t.strictSame(await names('%'), ['%'])
    t.strictSame(await names('A'), [])
    t.strictSame((await listed(registry, 'ab', 10)).find(({ filename }) => filename === 'ab'), { filename: 'ab', size: 5, digest: digestOf('a'), owners: 2 })
    t.match(await registry.list('a', 3), { truncated: false }, 'exactly as many as asked for')
    const truncated = await registry.list('a', 2)
    t.equal(truncated.files.length, 2)
    t.equal(truncated.truncated, true)
  })

  await t.test(`${name}: limits`, async (t) => {
    const registry = await makeRegistry({ sharesPerNode: 3, records: 5 })
    await joined(registry, 'NodeA', 'NodeB')
    for (const file of ['a', 'b', 'c']) await registry.have('NodeA', record(file))
    await t.rejects(registry.have('NodeA', record('d')), { code: 'E_LIMIT', message: /"NodeA".*\b3\b/ }, 'files of a node')
    await t.resolves(registry.have('NodeA', record('c', { digest: digestOf('other') })), 'in the place of another there is room')
    await registry.withdraw('NodeA', 'a')
    await t.resolves(registry.have('NodeA', record('d')))
    for (const file of ['a', 'b']) await registry.have('NodeB', record(file))
    await t.rejects(registry.have('NodeB', record('c')), { code: 'E_LIMIT', message: /\b5\b/ }, 'records of the tracker')
    t.strictSame(await ownerNames(registry, 'c'), ['NodeA'], 'what was refused is not there')
    await registry.leave('NodeA')
    await t.resolves(registry.have('NodeB', record('c')), 'a node that leaves makes room')
  })

  await t.test(`${name}: whether a file may be executed is each owner's own word`, async (t) => {
    const registry = await makeRegistry()
    await joined(registry, 'A', 'B')
    const executables = async (): Promise<Array<[string, boolean | undefined]>> => {
      const { owners } = await registry.owners({ filename: 'a', asker: 'asker' })
      return owners.map(({ name, executable }): [string, boolean | undefined] => [name, executable]).sort()
    }
    await registry.have('A', record('other'))
    await registry.have('A', record('a', { executable: true }))
    await registry.have('B', record('a', { executable: false }))
    t.strictSame(await executables(), [['A', true], ['B', undefined]], 'one content all the same')
    await registry.move('A', { host: '127.0.0.1', inputPort: 1, outputPort: 2 })
    t.strictSame(await executables(), [['A', true], ['B', undefined]], 'wherever it is')
    await registry.have('A', record('a'))
    t.strictSame(await executables(), [['A', undefined], ['B', undefined]], 'the last word counts')
  })

  await t.test(`${name}: where an owner's gateway is`, async (t) => {
    const registry = await makeRegistry()
    await joined(registry, 'A', 'B')
    const gateways = async (): Promise<Array<[string, number | undefined]>> => {
      const { owners } = await registry.owners({ filename: 'a', asker: 'asker' })
      return owners.map(({ name, httpPort }): [string, number | undefined] => [name, httpPort]).sort()
    }
    await registry.have('A', record('a', { httpPort: 8080, complete: false }))
    await registry.have('B', record('a'))
    t.strictSame(await gateways(), [['A', 8080], ['B', undefined]])
    await registry.move('A', { host: '192.0.2.1', inputPort: 1, outputPort: 2 })
    t.strictSame(await gateways(), [['A', 8080], ['B', undefined]], 'its port is its own wherever it is')
    await registry.have('A', record('a'))
    t.strictSame(await gateways(), [['A', undefined], ['B', undefined]], 'the last word counts')
  })

  await t.test(`${name}: what its list is known by`, async (t) => {
    const [one, other] = [await makeRegistry(), await makeRegistry()]
    for (const { net } of [one, other]) t.match(net, /^[0-9a-f]{16}$/)
    t.not(one.net, other.net, 'another list is known by something else')
  })

  await t.test(`${name}: since when there has been a content`, async (t) => {
    const registry = await makeRegistry()
    await joined(registry, 'A', 'B')
    const nowS = Math.floor(Date.now() / 1_000)
    await registry.have('A', record('a'))
    const { since = 0 } = await registry.owners({ filename: 'a', asker: 'x' })
    t.ok(since >= nowS && since <= nowS + 60, 'in seconds of the clock')
    await registry.have('B', record('a'))
    await registry.leave('A')
    t.equal((await registry.owners({ filename: 'a', asker: 'x' })).since, since, 'as long as anybody has it')
    t.strictSame((await registry.list('a', 10)).files.map(({ since }) => since), [since], 'and it is listed so')
  })
}
