/** A newcomer's two commands, three words each. */
import { readdirSync, readFileSync, writeFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { Piecemeal, place, ticketOf } from '../helpers/everyday.js'
import { pseudoRandomBytes, tempDir } from '../helpers/files.js'

await t.test('share prints a ticket, and get brings what it is about', async (t) => {
  const home = await tempDir(t)
  const [owner, asker] = [place(home, 'owner'), place(home, 'asker')]
  const bytes = pseudoRandomBytes(3 * 1_048_576 + 5, 1)
  writeFileSync(join(owner.cwd, 'big one.iso'), bytes)
  writeFileSync(join(owner.cwd, 'small'), 'a few bytes')
  const share = new Piecemeal(t, owner, 'share', '--once', 'big one.iso', 'small')
  const ticket = await ticketOf(share)

  const get = new Piecemeal(t, asker, 'get', ticket)
  // Until it has said what it is called it is whatever was started.
  let commandLine = ''
  while (!commandLine.startsWith('piecemeal get') && get.isRunning) {
    commandLine = readFileSync(`/proc/${get.pid}/cmdline`, 'utf8')
    await setTimeout(10)
  }
  const paths = (await get.done()).trimEnd().split('\n').sort()
  t.strictSame(paths, [join(asker.cwd, 'big one.iso'), join(asker.cwd, 'small')], 'nothing but the paths')
  t.ok(readFileSync(join(asker.cwd, 'big one.iso')).equals(bytes))
  t.strictSame(readdirSync(asker.cwd).sort(), ['big one.iso', 'small'], 'nothing else is left')
  t.match(commandLine, 'piecemeal get')
  t.notMatch(commandLine, ticket, 'nobody sees the ticket in a list of processes')
  t.equal(await share.done(), `piecemeal get ${ticket}\n`, 'it ends when somebody has all of it')
  t.match(share.stderr, /connected\n[^]*has big one\.iso\n/)
  t.strictSame(readdirSync(owner.cwd).sort(), ['big one.iso', 'small'])

  const late = new Piecemeal(t, asker, 'get', ticket, '--to', 'again')
  await late.done(35)
  t.match(late.stderr, /E_TRACKER nobody answers at /)
  const slip = new Piecemeal(t, asker, 'get', `${ticket.slice(0, -1)}${ticket.endsWith('0') ? '1' : '0'}`)
  await slip.done(2)
  t.match(slip.stderr, /E_USAGE this ticket is mistyped/)
})

await t.test('the ticket by a variable or standard input; two at once in one folder; what is interrupted is kept and can be removed', async (t) => {
  const home = await tempDir(t)
  const [owner, asker] = [place(home, 'owner'), place(home, 'asker')]
  writeFileSync(join(owner.cwd, 'x'), pseudoRandomBytes(16 * 1_048_576, 2))
  mkdirSync(join(asker.cwd, 'to'))
  const share = new Piecemeal(t, owner, 'share', 'x', '--up', '500K')
  const ticket = await ticketOf(share)

  const slow = new Piecemeal(t, asker, 'get', '-', '--to', 'to/', '--json')
  slow.say(`piecemeal get ${ticket}`)
  await slow.waitFor(/"event":"progress","task":"download","file":"x","bytes":[3-9]\d{6}/)
  const second = new Piecemeal(t, { ...asker, variables: { PIECEMEAL_TICKET: ticket } }, 'get', '--to', 'to/')
  await second.done(15)
  t.match(second.stderr, /E_IN_PROGRESS/)
  t.notMatch(readFileSync(`/proc/${slow.pid}/cmdline`, 'utf8'), ticket.slice(4, 20))
  slow.signal('SIGINT')
  await slow.done(20)
  t.match(slow.stderr, /interrupted: .* of x are kept in .*; the same command goes on from there, piecemeal cancel x --to to\/ removes them\n$/)
  t.strictSame(readdirSync(join(asker.cwd, 'to')), ['.piecemeal'])
  await new Piecemeal(t, asker, 'cancel', 'x', '--to', 'to/').done()
  t.strictSame(readdirSync(join(asker.cwd, 'to')), [])
  share.signal('SIGINT')
  await share.done()
})
