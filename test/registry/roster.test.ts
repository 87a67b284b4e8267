import t from 'tap'
import { parseRoster, Roster } from '../../lib/registry/roster.js'

await t.test('who is in the list lives, who is newer than all of it is young, anybody else is dead', async (t) => {
  const roster = new Roster(10_000)
  t.equal(roster.lives('a'), true, 'nothing is known yet')
  roster.take(parseRoster(['b', '5', 'd', '7', 'c', '0']), 0)
  t.strictSame(['a', 'b', 'c', 'd', 'e'].map((token) => roster.lives(token)), [false, true, false, true, true])
  t.strictSame([roster.living, roster.unswept, roster.newest], [['b', 'd'], ['c'], 'd'])
})

await t.test('one that was the newest is dead once it was swept, not young', async (t) => {
  const roster = new Roster(10_000)
  roster.take([['a', 5], ['b', 5]], 0)
  roster.take([['a', 6], ['b', 0]], 1)
  roster.take([['a', 7]], 2)
  t.strictSame(['a', 'b', 'c'].map((token) => roster.lives(token)), [true, false, true])
})

await t.test('silent is who was not renewed for a lease, whatever the clocks say', async (t) => {
  const roster = new Roster(10_000)
  roster.take([['a', 100], ['b', 100]], 0)
  roster.take([['a', 100], ['b', 3_600_100]], 3_000)
  roster.take([['a', 100], ['b', 50]], 6_000)
  t.strictSame(roster.silent(9_999), [])
  t.strictSame(roster.silent(10_000), [['a', 100]])
  roster.take([['a', 100], ['b', 50]], 16_000)
  t.strictSame(roster.silent(16_000), [['a', 100], ['b', 50]])
  roster.take([['a', 0], ['b', 60]], 17_000)
  t.strictSame(roster.silent(40_000), [['b', 60]], 'who is dead is not silent')
})

await t.test('it is read again when another one may be silent, and not long after that', async (t) => {
  const roster = new Roster(10_000)
  t.equal(roster.pauseMs('own', 0, 3_000), 3_000)
  roster.take([['own', 1], ['a', 1], ['b', 0]], 0)
  t.equal(roster.pauseMs('own', 6_000, 3_000), 3_000)
  t.equal(roster.pauseMs('own', 9_000, 3_000), 1_001)
  t.equal(roster.pauseMs('own', 10_000, 3_000), 50)
  roster.take([['own', 1], ['a', 2]], 9_500)
  t.equal(roster.pauseMs('own', 12_000, 3_000), 3_000)
})
