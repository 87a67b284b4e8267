/** Each script by itself, as Redis runs it: what it answers, and what it leaves there. */
import t from 'tap'
import type { Argument, RedisClient } from '../../lib/registry/redis-client.js'
import { claim } from '../../lib/registry/scripts/claim.js'
import { free } from '../../lib/registry/scripts/free.js'
import { have } from '../../lib/registry/scripts/have.js'
import { names } from '../../lib/registry/scripts/names.js'
import { need } from '../../lib/registry/scripts/need.js'
import type { Script } from '../../lib/registry/scripts/script.js'
import { sweep } from '../../lib/registry/scripts/sweep.js'
import { register, renew } from '../../lib/registry/scripts/trackers.js'
import { withdraw } from '../../lib/registry/scripts/withdraw.js'
import { startRedis, withoutRedis } from './redis-server.js'

const OLD = '0000000010000'
const LIVE = '0000000020000'
const YOUNG = '0000000030000'
/** A content is known by the first half of its digest. */
const SHORT = 'd'.repeat(32)
const DIGEST = 'd'.repeat(64)
const OTHER = 'e'.repeat(32)

await t.test('scripts', { skip: withoutRedis() }, async (t) => {
  const redis = await startRedis(t)
  const client: RedisClient = await redis.client()
  t.teardown(() => client.close())
  t.beforeEach(async () => { await client.call('FLUSHALL') })

  const run = async (script: Script, keys: readonly string[], ...args: Argument[]): Promise<string> => await client.run(script, keys, args)
  const ownersOf = (short: string): string[] => [`o:${short}:c`, `o:${short}:p`]
  interface Announced { kind?: 1 | 2, text?: string, digest?: string, flags?: number, former?: string }
  const announce = async (node: string, owner: string, { kind = 1, text = '[5]', digest = DIGEST, flags = 0, former = '' }: Announced = {}): Promise<string> => {
    const short = digest.slice(0, 32)
    return await run(have, ['f', ...ownersOf(short), ...former === '' ? [] : ownersOf(former)], short, digest, node, `${owner} x ${flags}`, kind, text, former)
  }
  const line = async (short = SHORT): Promise<string | undefined> => (await client.call('HGET', 'f', short) as string | null)?.replace(/ \d+ \d+/, '')

  await t.test('claim: a free name, one\'s own, and that of the same session; anybody else is told who has it', async (t) => {
    const ask = async (owner: string, session: string, { expected = '', maySucceed = 1, now = 1_000 }: { expected?: string, maySucceed?: number, now?: number } = {}): Promise<string> =>
      await run(claim, ['n'], owner, session, expected, maySucceed, 2, 60_000, 90_000, now)
    t.equal(await ask('T 1', 's'), 'ok')
    t.equal(await ask('T 1', 's'), 'ok', 'twice does no harm')
    t.equal(await ask('T 2', 'other'), 'T 1')
    t.equal(await ask('T 2', '-'), 'T 1')
    t.equal(await ask('T 2', 's', { maySucceed: 0 }), 'T 1', 'one that lost it does not take it back')
    t.equal(await ask('T 2', 's'), 'ok')
    t.equal(await ask('T 3', 's', { now: 2_000 }), 'ok')
    t.equal(await ask('T 4', 's', { now: 3_000 }), 'T 3', 'too often')
    t.equal(await ask('T 4', 's', { now: 63_000 }), 'ok', 'a minute later')
    t.equal(await ask('T 5', 'other', { expected: 'T 3' }), 'T 4', 'whom it takes for dead is not the one that has it')
    t.equal(await ask('T 5', 'other', { expected: 'T 4' }), 'ok')
    t.ok(Number(await client.call('PTTL', 'n')) > 80_000)
  })

  await t.test('claim: two without a session never succeed each other', async (t) => {
    t.equal(await run(claim, ['n'], 'T 1', '-', '', 1, 2, 60_000, 90_000, 1), 'ok')
    t.equal(await run(claim, ['n'], 'T 2', '-', '', 1, 2, 60_000, 90_000, 1), 'T 1')
  })

  await t.test('free: only what is still one\'s own', async (t) => {
    await client.call('SET', 'n', 'T 12 s -')
    t.equal(await run(free, ['n'], 'T 1 '), 'ok')
    t.equal(await client.call('EXISTS', 'n'), 1, 'not 1, but 12')
    await run(free, ['n'], 'T 12 ')
    t.equal(await client.call('EXISTS', 'n'), 0)
    t.equal(await run(free, ['n'], 'T 12 '), 'ok')
  })

  await t.test('have: a record takes the place of the one before, and is counted once', async (t) => {
    t.equal(await announce('A', `${LIVE} 1`), 'new')
    t.equal(await announce('A', `${LIVE} 1`), 'added', 'twice does no harm')
    t.equal(await announce('B', `${LIVE} 2`, { flags: 2 }), 'added')
    t.equal(await line(), `${DIGEST} 2 0 1 [5]`)
    await announce('A', `${LIVE} 1`, { kind: 2, text: '[6]' })
    t.equal(await line(), `${DIGEST} 1 0 1 [5] 0 1 0 [6]`)
    t.equal(await announce('B', `${LIVE} 2`, { digest: 'e'.repeat(64), former: SHORT }), 'added')
    t.equal(await line(), `${DIGEST} 0 0 0 [5] 0 1 0 [6]`, 'a claim that nobody makes keeps its place')
    t.equal(await line(OTHER), `${'e'.repeat(64)} 1 0 0 [5]`)
    await announce('C', `${LIVE} 3`, { text: '[7]' })
    t.equal(await line(), `${DIGEST} 1 0 0 [7] 0 1 0 [6]`, 'until another needs it')
  })

  await t.test('have: what can\'t be kept changes nothing', async (t) => {
    for (let i = 0; i < 32; i++) await announce(`N${i}`, `${LIVE} ${i}`, { text: `[${i}]` })
    const before = await line()
    t.equal(await announce('More', `${LIVE} 99`, { text: '[99]' }), 'full')
    t.equal(await announce('More', `${LIVE} 99`, { digest: SHORT + 'f'.repeat(32) }), 'other')
    t.equal(await line(), before)
    t.equal(await client.call('HLEN', `o:${SHORT}:c`), 32)
  })

  await t.test('withdraw: only that connection\'s record; the last one takes all keys with it', async (t) => {
    await announce('A', `${LIVE} 12`)
    const leave = async (owner: string): Promise<string> => await run(withdraw, ['f', ...ownersOf(SHORT)], SHORT, 'A', owner)
    t.equal(await leave(`${LIVE} 1 `), 'ok', 'an old one\'s')
    t.equal(await line(), `${DIGEST} 1 0 0 [5]`)
    t.equal(await leave(`${LIVE} 12 `), 'gone')
    t.equal(await leave(`${LIVE} 12 `), 'gone')
    t.strictSame(await client.call('KEYS', '*'), [])
  })

  await t.test('need: none, one with complete owners first, or all contents there are', async (t) => {
    const ask = async (asked: string, most: number, known = ''): Promise<string[]> => (await run(need, ['f'], 'o:', asked, most, known)).split('\n')
    t.strictSame(await ask('', 9), ['none'])
    await announce('A', `${LIVE} 1`, { kind: 2 })
    await announce('B', `${LIVE} 2`)
    t.match(await ask('', 9), ['one', /^d{64} \d+ \d{16} 1 1 0 \[5\]$/, 'B', `${LIVE} 2 x 0 1`, '', 'A', `${LIVE} 1 x 0 1`])
    t.equal((await ask('', 1))[2], 'B')
    t.strictSame((await ask('', 1)).slice(4), ['', ''], 'and nobody else')
    t.strictSame(await ask('e', 9), ['none'])
    await announce('C', `${LIVE} 3`, { digest: 'e'.repeat(64) })
    t.match((await ask('', 9)).sort(), [/^d{64}/, /^e{64}/, 'several'])
    t.match(await ask('e', 9), ['one', /^e{64}/, 'C'])
  })

  await t.test('need: the same, until anything has changed', async (t) => {
    const ask = async (known: string): Promise<string[]> => (await run(need, ['f'], 'o:', '', 9, known)).split('\n')
    const changes = [
      async () => await announce('A', `${LIVE} 1`),
      async () => await announce('B', `${OLD} 1`, { kind: 2 }),
      async () => await announce('A', `${LIVE} 2`),
      async () => await run(sweep, ['f'], 'o:', LIVE, LIVE),
      async () => await run(withdraw, ['f', ...ownersOf(SHORT)], SHORT, 'A', `${LIVE} 2 `),
      async () => await announce('A', `${LIVE} 2`),
    ]
    const versions = new Set<string>()
    for (const change of changes) {
      await change()
      for (const version of versions) t.not((await ask(version))[0], 'same')
      const version = /^\S+ \S+ \S+ /.exec((await ask(''))[1] ?? '')?.[0]
      if (version === undefined) continue
      t.strictSame(await ask(version), ['same'])
      versions.add(version)
    }
    t.equal(versions.size, 5, 'and none when it was gone')
  })

  await t.test('sweep: the dead go and nobody else, and what was counted wrongly is counted anew', async (t) => {
    await announce('Dead', `${OLD} 1`, { flags: 2 })
    await announce('Partial', `${OLD} 2`, { kind: 2 })
    await announce('Lives', `${LIVE} 1`)
    await announce('Young', `${YOUNG} 1`)
    const walk = async (): Promise<string> => await run(sweep, ['f'], 'o:', LIVE, LIVE)
    t.equal(await walk(), 'ok 2 0')
    t.equal(await walk(), 'ok 0 0')
    t.strictSame((await client.call('HKEYS', `o:${SHORT}:c`) as string[]).sort(), ['Lives', 'Young'])
    t.equal(await client.call('EXISTS', `o:${SHORT}:p`), 0)
    t.equal(await line(), `${DIGEST} 2 0 0 [5]`)
    await client.call('HSET', 'f', SHORT, `${DIGEST} 1 1 9 9 9 [5]`)
    t.equal(await walk(), 'ok 0 1')
    t.equal(await line(), `${DIGEST} 2 0 0 [5]`)
    t.equal(await run(sweep, ['f'], 'o:', '0000000040000'), 'gone 2 0')
    t.strictSame(await client.call('KEYS', '*'), [])
  })

  await t.test('names: in order, after one, and what they begin with is taken literally', async (t) => {
    for (const name of ['a', 'a b', 'ab', 'b', '*', 'ä']) await client.call('ZADD', 's', 0, name)
    t.equal(await run(names, ['s'], '', '', 9), '*\na\na b\nab\nb\nä')
    t.equal(await run(names, ['s'], '', 'a b', 2), 'ab\nb')
    t.equal(await run(names, ['s'], 'a', '', 9), 'a\na b\nab')
    t.equal(await run(names, ['s'], '*', '', 9), '*')
    t.equal(await run(names, ['nothing'], '', '', 9), '')
  })

  await t.test('register: a token is larger than all that are known, whatever the clock says', async (t) => {
    const next = async (floor: string, now: number): Promise<string> => (await run(register, ['l'], 'abcd', floor, 10_000, now)).split(' ')[0] as string
    const first = await next('', 1_700_000_000_000)
    t.match(first, /^[0-9a-z]{9}abcd$/)
    const second = await next('', 1_600_000_000_000)
    t.ok(second > first)
    await client.call('DEL', 'l')
    t.ok(await next(second, 1_500_000_000_000) > second, 'and over a loss of all data')
  })

  await t.test('renew: held until somebody finds it dead; nothing brings it back', async (t) => {
    const [token = ''] = (await run(register, ['l'], 'abcd', '', 10_000, 1_000)).split(' ')
    const other = (await run(register, ['l'], 'efgh', '', 10_000, 1_000)).split(' ')[0] as string
    t.equal(await run(renew, ['l'], token, 10_000, 2_000), `held 2000 ${other} 11000 ${token} 12000`)
    t.equal(await run(renew, ['l'], token, 10_000, 3_000, other, 10_999), `held 3000 ${other} 11000 ${token} 13000`, 'it was renewed meanwhile')
    t.equal(await run(renew, ['l'], token, 10_000, 4_000, other, 11_000), `held 4000 ${other} 0 ${token} 14000`)
    t.equal(await run(renew, ['l'], other, 10_000, 5_000), `lost 5000 ${other} 0 ${token} 14000`)
    t.match(await run(renew, ['l'], 'never seen', 10_000, 5_000), /^lost /)
  })
})
