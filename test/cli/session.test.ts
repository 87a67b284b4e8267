/** When and how a node ends, with a node that only says what it was told. */
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { Session } from '../../lib/cli/session.js'
import type { Node } from '../../lib/node/node.js'
import { ConflictError, PiecemealError, type ErrorCode } from '../../lib/protocol/errors.js'
import type { Reporter } from '../../lib/ui/reporter.js'

/** Work that goes on until it is told how it ended. */
class Work {
  readonly promise: Promise<unknown>
  done: () => void = () => {}
  fail: (error: Error) => void = () => {}

  constructor () {
    this.promise = new Promise((resolve, reject) => {
      this.done = () => resolve({})
      this.fail = reject
    })
  }
}

class FakeNode {
  readonly calls: string[] = []
  readonly works = new Map<string, Work>()
  limits: { up?: number, down?: number } = {}
  /** Ends `leave`. */
  left = new Work()

  constructor () {
    this.left.done()
  }

  work (call: string): Work {
    const work = this.works.get(call)
    if (work === undefined) throw new Error(`${call} was not called, but ${this.calls.join(', ')}`)
    return work
  }

  async upload (file: string): Promise<unknown> {
    return await this.#begin(`upload ${file}`)
  }

  async download (file: string, { digest }: { digest?: string } = {}): Promise<unknown> {
    return await this.#begin(`download ${file}${digest === undefined ? '' : ` ${digest}`}`)
  }

  async list (prefix: string): Promise<unknown> {
    return await this.#begin(`list ${prefix}`)
  }

  async status (): Promise<unknown> {
    return await this.#begin('status')
  }

  async cancel (file: string): Promise<unknown> {
    this.works.get(`download ${file}`)?.fail(new PiecemealError('E_INTERRUPTED', 'cancelled'))
    return await this.#begin(`cancel ${file}`)
  }

  unshare (file: string): void {
    this.calls.push(`unshare ${file}`)
    if (file === 'nothing') throw new PiecemealError('E_NOT_SHARED', 'not shared')
  }

  async verify (file = 'all'): Promise<unknown> {
    return await this.#begin(`verify ${file}`)
  }

  limit (direction: 'up' | 'down', bytesPerSecond: number | undefined): void {
    this.limits = { ...this.limits, [direction]: bytesPerSecond }
  }

  async leave (): Promise<void> {
    this.calls.push('leave')
    await this.left.promise
  }

  async close (): Promise<void> {
    this.calls.push('close')
    for (const [call, work] of this.works) if (call.startsWith('download')) work.fail(new PiecemealError('E_INTERRUPTED', 'stopped'))
    await turn()
  }

  async #begin (call: string): Promise<unknown> {
    this.calls.push(call)
    const work = new Work()
    this.works.set(call, work)
    return await work.promise
  }
}

function begin (): { node: FakeNode, session: Session, reports: Array<[string, object]>, status: () => Promise<number | 'running'> } {
  const node = new FakeNode()
  const reports: Array<[string, object]> = []
  const reporter: Reporter = { report: (name, data) => { reports.push([name, data]) }, close: () => {} }
  const session = new Session(node as unknown as Node, reporter)
  const status = async (): Promise<number | 'running'> => {
    // Whatever is settled by now has been seen after a few turns: nothing here waits for anything else.
    for (let i = 0; i < 10; i++) await turn()
    return await Promise.race([session.ended, turn('running' as const)])
  }
  return { node, session, reports, status }
}

function error (code: ErrorCode): PiecemealError {
  return new PiecemealError(code, `because of ${code}`)
}

await t.test('commands run side by side', async (t) => {
  const { node, session, status } = begin()
  for (const line of ['torrent -m download a b', 'torrent -m upload c', 'torrent list x', 'torrent status', `torrent -m download d --digest ${'0'.repeat(8)}`, '']) session.obey(line)
  t.strictSame(node.calls, ['download a', 'download b', 'upload c', 'list x', 'status', 'download d 00000000'])
  t.equal(await status(), 'running')
})

await t.test('a command that makes no sense is told, and the node lives on', async (t) => {
  const { node, session, reports, status } = begin()
  session.obey('torrent what')
  session.obey('torrent -m download "a')
  t.match(reports, [['failed', { code: 'E_USAGE' }], ['failed', { code: 'E_USAGE' }]])
  session.obey('torrent -m download a')
  t.strictSame(node.calls, ['download a'])
  t.equal(await status(), 'running')
})

await t.test('help is told, and is no error', async (t) => {
  const { session, reports, status } = begin()
  session.obey('torrent help')
  t.match(reports, [['help', { text: /torrent -setMode upload/ }]])
  session.obey('torrent exit')
  t.equal(await status(), 0)
})

await t.test('limits are set at once, and told', async (t) => {
  const { session, reports, status } = begin()
  for (const line of ['torrent limit up 1K', 'torrent limit down 2K', 'torrent limit', 'torrent limit up off', 'torrent limit up fast']) session.obey(line)
  t.match(reports, [
    ['limits', { up: 1_024 }], ['limits', { up: 1_024, down: 2_048 }], ['limits', { up: 1_024, down: 2_048 }], ['limits', { up: undefined, down: 2_048 }], ['failed', { code: 'E_USAGE' }],
  ])
  session.obey('torrent exit')
  t.equal(await status(), 2)
})

await t.test('a failure names its file; a conflict its versions', async (t) => {
  const { node, session, reports, status } = begin()
  session.obey('torrent -m download a b')
  node.work('download a').fail(error('E_NO_OWNER'))
  const versions = [{ digest: `blake3:${'0'.repeat(64)}`, size: 1, owners: 1 }]
  node.work('download b').fail(new ConflictError('two', versions))
  await status()
  t.strictSame(reports, [
    ['failed', { file: 'a', code: 'E_NO_OWNER', message: 'because of E_NO_OWNER' }],
    ['failed', { file: 'b', code: 'E_CONFLICT', message: 'two', versions }],
  ])
})

await t.test('exit waits for what runs, and takes no further command', async (t) => {
  const { node, session, status } = begin()
  session.obey('torrent -m download a')
  session.obey('torrent exit')
  session.obey('torrent -m download b')
  session.obey('not even a command')
  session.fail(error('E_USAGE'))
  t.equal(await status(), 'running')
  t.strictSame(node.calls, ['download a'])
  node.work('download a').done()
  t.equal(await status(), 0, 'nor an error')
  t.strictSame(node.calls, ['download a', 'leave'])
})

await t.test('cancel, unshare and verify', async (t) => {
  const { node, session, reports, status } = begin()
  for (const line of ['torrent -m download a', 'torrent cancel a b', 'torrent unshare c nothing', 'torrent verify', 'torrent verify d e']) session.obey(line)
  t.strictSame(node.calls, ['download a', 'cancel a', 'cancel b', 'unshare c', 'unshare nothing', 'verify all', 'verify d', 'verify e'])
  for (const call of ['cancel a', 'verify all', 'verify d']) node.work(call).done()
  node.work('cancel b').fail(error('E_USAGE'))
  await status()
  node.work('verify e').fail(error('E_CHANGED'))
  session.obey('torrent exit')
  t.equal(await status(), 24)
  const told = reports.map(([name, { file, code }]: [string, { file?: string, code?: string }]) => [name, file, code])
  t.strictSame(told.sort(), [
    ['cancelled', 'a', undefined], ['failed', 'a', 'E_INTERRUPTED'], ['failed', 'b', 'E_USAGE'], ['failed', 'e', 'E_CHANGED'], ['failed', 'nothing', 'E_NOT_SHARED'],
  ])
})

await t.test('a download that was cancelled was not cut off by the signal that comes later', async (t) => {
  const { node, session, status } = begin()
  for (const line of ['torrent -m download a', 'torrent cancel a']) session.obey(line)
  await status()
  node.work('cancel a').done()
  await session.stop()
  t.equal(await status(), 0)
})

await t.test('a second exit does not wait', async (t) => {
  const { node, session, status } = begin()
  session.obey('torrent -m download a')
  session.obey('torrent exit')
  session.obey('torrent exit')
  t.equal(await status(), 20)
  t.strictSame(node.calls, ['download a', 'close'])
})

await t.test('a second exit while it leaves: the status is still that of the last error', async (t) => {
  const { node, session, status } = begin()
  // As while an upload to a slow peer is given its 5 s.
  node.left = new Work()
  session.obey('torrent -m upload a')
  node.work('upload a').fail(error('E_FORBIDDEN'))
  await status()
  session.obey('torrent exit')
  t.equal(await status(), 'running')
  session.obey('torrent exit')
  t.equal(await status(), 17)
})

await t.test('the exit status is that of the last error', async (t) => {
  const { node, session, status } = begin()
  session.obey('torrent -m download a b c d')
  node.work('download a').fail(error('E_NO_OWNER'))
  await status()
  node.work('download c').fail(error('E_DIGEST'))
  await status()
  node.work('download b').done()
  node.work('download d').done()
  session.obey('torrent exit')
  t.equal(await status(), 8)
})

await t.test('a mistyped command is an error too', async (t) => {
  const { session, status } = begin()
  session.obey('torrent what')
  session.obey('torrent exit')
  t.equal(await status(), 2)
})

await t.test('the end of input: downloads are finished first', async (t) => {
  const { node, session, status } = begin()
  session.obey('torrent -m download a')
  session.endOfInput()
  t.equal(await status(), 'running')
  node.work('download a').done()
  t.equal(await status(), 0)
  t.strictSame(node.calls, ['download a', 'leave'])
})

await t.test('the end of input at once', async (t) => {
  const { node, session, status } = begin()
  session.endOfInput()
  t.equal(await status(), 0)
  t.strictSame(node.calls, ['leave'])
})

await t.test('the end of input of a node that was told to upload: it serves on until a signal', async (t) => {
  const { node, session, status } = begin()
  session.obey('torrent -m upload a')
  session.obey('torrent -m download b')
  session.endOfInput()
  node.work('upload a').done()
  node.work('download b').done()
  t.equal(await status(), 'running')
  await session.stop()
  t.equal(await status(), 0)
})

await t.test('the end of input after exit changes nothing', async (t) => {
  const { node, session, status } = begin()
  session.obey('torrent -m download a')
  session.obey('torrent exit')
  session.endOfInput()
  t.equal(await status(), 'running')
  node.work('download a').done()
  t.equal(await status(), 0)
  t.strictSame(node.calls, ['download a', 'leave'])
})

await t.test('a signal: at once, 20 if a download was cut off, else 0', async (t) => {
  const idle = begin()
  await idle.session.stop()
  t.equal(await idle.status(), 0)
  t.strictSame(idle.node.calls, ['close'])

  const cut = begin()
  cut.session.obey('torrent -m download a')
  await cut.session.stop()
  t.equal(await cut.status(), 20)
  t.match(cut.reports, [['failed', { file: 'a', code: 'E_INTERRUPTED' }]])

  const done = begin()
  done.session.obey('torrent -m download a b')
  done.node.work('download a').done()
  done.node.work('download b').fail(error('E_NO_OWNER'))
  await done.status()
  await done.session.stop()
  t.equal(await done.status(), 0, 'what failed earlier was not cut off')
})

await t.test('what can not be closed is told to whoever waits for the end', async (t) => {
  for (const end of [async (session: Session) => await session.stop(), async (session: Session) => session.obey('torrent exit')]) {
    const { node, session } = begin()
    node.close = node.leave = async () => await Promise.reject(error('E_IO'))
    await end(session)
    await t.rejects(session.ended, { code: 'E_IO' })
  }
})

await t.test('a signal while it waits to leave', async (t) => {
  const { node, session, status } = begin()
  session.obey('torrent -m download a')
  session.obey('torrent exit')
  await session.stop()
  await session.stop()
  t.equal(await status(), 20)
  t.strictSame(node.calls, ['download a', 'close'])
})
