/**
 * A disk that fails at one step of a download: the code is right, the final name is not there, and
 * the next try on a disk that works brings the file. One thread does it all here, so that a step
 * can be made to fail, and the order of the steps be seen.
 */
import fs, { type RmOptions } from 'node:fs'
import fsPromises, { type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { DEADLINES } from '../../lib/protocol/limits.js'
import { PieceChecker } from '../../lib/content/piece-checker.js'
import { digestPieces } from '../../lib/disk/digest-pieces.js'
import { giveName } from '../../lib/disk/give-name.js'
import { download, type Downloaded } from '../../lib/download/download.js'
import { Slots } from '../../lib/download/slots.js'
import { DownloadTurns } from '../../lib/download/turns.js'
import { fetchPart } from '../../lib/part/fetch-part.js'
import { RateLimit } from '../../lib/threads/rate-limit.js'
import { fromTaskResult, toTaskResult } from '../../lib/threads/task-result.js'
import type { ErrorCode } from '../../lib/protocol/errors.js'
import { MiB } from '../../lib/protocol/units.js'
import { HIDDEN_FOLDER } from '../../lib/protocol/names.js'
import { Tracker } from '../../lib/tracker/tracker.js'
import { FakeOwner, type FakeFile } from '../helpers/fake-owner.js'
import { DATA_PATHS } from '../helpers/ways.js'
import { hiddenLeftovers, pseudoRandomBytes, tempDir, visibleFiles } from '../helpers/files.js'
import { replace } from '../helpers/replace.js'
import { TREES } from './trees.js'

/** Enough for two streams, so that one part is glued to the other. */
const DATA = pseudoRandomBytes(9 * MiB + 12_345, 'disk faults')
/** A file of one piece. */
const SMALL = pseudoRandomBytes(200_000, 'disk faults, small')
const FILE = 'a.bin'
/** A fault of the disk is told at once, whatever step it comes in. */
const FAILED_WITHIN_MS = 5_000

/** What is asked of the disk, in the words of the contract: "write, check, fsync, link, fsync the folder, unlink". */
type Step = 'read' | 'write' | 'verify' | 'glue' | 'sync' | 'close' | 'link' | 'sync folder' | 'unlink' | 'remove'
type Hooks = Partial<Record<Step, () => void>>

class FaultyDisk {
  /** What happened, in order; steps of one kind in a row count once. */
  readonly steps: Step[] = []
  readonly #hooks: Hooks
  readonly #mostBytes: number

  /** `hooks` run before their step, and what they throw it throws; no write takes more than `mostBytes`. */
  constructor (hooks: Hooks = {}, mostBytes = Infinity) {
    this.#hooks = hooks
    this.#mostBytes = mostBytes
  }

  /** Is the disk of this process until it is told to stop. */
  use (t: Test): () => void {
    const restore = [replace(t, fs, (real) => this.#fs(real)), replace(t, fsPromises, (real) => this.#fsPromises(real)), this.#watchVerdicts()]
    return () => { for (const each of restore) each() }
  }

  #step (step: Step): void {
    if (this.steps.at(-1) !== step) this.steps.push(step)
    this.#hooks[step]?.()
  }

  #fs (real: typeof fs): object {
    return {
      readSync: (fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number => {
        this.#step('read')
        return real.readSync(fd, bytes, offset, length, position)
      },
      writeSync: (fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number => {
        this.#step('write')
        return real.writeSync(fd, bytes, offset, Math.min(length, this.#mostBytes), position)
      },
      fsyncSync: (fd: number): void => {
        this.#step('sync')
        real.fsyncSync(fd)
      },
      linkSync: (from: string, to: string): void => {
        this.#step('link')
        real.linkSync(from, to)
      },
      unlinkSync: (path: string): void => {
        this.#step('unlink')
        real.unlinkSync(path)
      },
    }
  }

  #fsPromises (real: typeof fsPromises): object {
    return {
      open: async (path: string, flags?: number | string) => await this.#patch(await real.open(path, flags)),
      unlink: async (path: string) => {
        this.#step('unlink')
        await real.unlink(path)
      },
      rm: async (path: string, options: RmOptions) => {
        this.#step('remove')
        await real.rm(path, options)
      },
    }
  }

  async #patch (handle: FileHandle): Promise<FileHandle> {
    const isFolder = (await handle.stat()).isDirectory()
    const { sync, write, close } = { sync: handle.sync.bind(handle), write: handle.write.bind(handle), close: handle.close.bind(handle) }
    return Object.assign(handle, {
      sync: async () => {
        this.#step(isFolder ? 'sync folder' : 'sync')
        await sync()
      },
      write: async (bytes: Uint8Array, offset: number, length: number, position: number) => {
        this.#step('glue')
        return await write(bytes, offset, Math.min(length, this.#mostBytes), position)
      },
      close: async () => {
        // As the kernel does it: the descriptor is gone, whatever closing it says.
        await close()
        this.#step('close')
      },
    })
  }

  #watchVerdicts (): () => void {
    const step = this.#step.bind(this)
    const { take } = PieceChecker.prototype
    PieceChecker.prototype.take = function (bytes) {
      const verdict = take.call(this, bytes)
      if (verdict !== 'more') step('verify')
      return verdict
    }
    return () => { PieceChecker.prototype.take = take }
  }
}

void t.test('the order: write, verify, fsync, link, fsync the folder, unlink', async (t) => {
  const small = await setUp(t, SMALL)
  const disk = new FaultyDisk()
  await small.fetch(disk)
  t.strictSame(disk.steps.filter((step) => step !== 'close' && step !== 'remove'), ['write', 'verify', 'sync', 'link', 'unlink', 'sync folder'], 'nobody would go on with one piece')
  t.ok((await fsPromises.readFile(small.target)).equals(small.file.data))

  for (const { path, inWindows } of DATA_PATHS) {
    const large = await setUp(t, DATA, inWindows)
    const largeDisk = new FaultyDisk()
    await large.fetch(largeDisk)
    const { steps } = largeDisk
    t.equal(steps.includes('glue'), !inWindows, `${path}: whether bytes are copied`)
    t.strictSame(steps.slice(steps.indexOf('sync')).filter((step) => step !== 'close' && step !== 'remove'), ['sync', 'link', 'sync folder', 'unlink'], 'nothing is written once it is synced')
    t.ok((await fsPromises.readFile(large.target)).equals(DATA))
  }
})

void t.test('what does not verify is neither synced nor linked', async (t) => {
  const { owner, fetch, folder } = await setUp(t, DATA)
  owner.behaviour.corruptAt = 5 * MiB
  const disk = new FaultyDisk()
  await t.rejects(fetch(disk), { code: 'E_DIGEST' })
  t.notOk(disk.steps.some((step) => step === 'sync' || step === 'link'))
  t.strictSame(await visibleFiles(folder), [])
})

void t.test('writes that take less than they are asked to', async (t) => {
  for (const { path, inWindows } of DATA_PATHS) {
    // Not a divisor of anything: every write is cut somewhere in its middle.
    const { fetch, target } = await setUp(t, DATA, inWindows)
    await fetch(new FaultyDisk({}, 40_001))
    t.ok((await fsPromises.readFile(target)).equals(DATA), path)
  }
})

const FAULTS: Array<{ fault: string, at: Step, errno: string, code: ErrorCode }> = [
  { fault: 'EIO when a part is written', at: 'write', errno: 'EIO', code: 'E_IO' },
  { fault: 'no room when a part is written', at: 'write', errno: 'ENOSPC', code: 'E_DISK_FULL' },
  { fault: 'over quota when a part is written', at: 'write', errno: 'EDQUOT', code: 'E_DISK_FULL' },
  { fault: 'over the file-size limit when a part is written', at: 'write', errno: 'EFBIG', code: 'E_IO' },
  { fault: 'a disk that became read-only', at: 'write', errno: 'EROFS', code: 'E_IO' },
  { fault: 'EIO when parts are glued', at: 'glue', errno: 'EIO', code: 'E_IO' },
  { fault: 'no room when parts are glued', at: 'glue', errno: 'ENOSPC', code: 'E_DISK_FULL' },
  { fault: 'EIO at fsync', at: 'sync', errno: 'EIO', code: 'E_IO' },
  { fault: 'no room at fsync', at: 'sync', errno: 'ENOSPC', code: 'E_DISK_FULL' },
  // NFS says only then that it could not write.
  { fault: 'EIO when a file is closed', at: 'close', errno: 'EIO', code: 'E_IO' },
  { fault: 'over quota when a file is closed', at: 'close', errno: 'EDQUOT', code: 'E_DISK_FULL' },
  { fault: 'EIO at link', at: 'link', errno: 'EIO', code: 'E_IO' },
  { fault: 'no room for the name', at: 'link', errno: 'ENOSPC', code: 'E_DISK_FULL' },
  { fault: 'EIO at the fsync of the folder', at: 'sync folder', errno: 'EIO', code: 'E_IO' },
  { fault: 'no room at the fsync of the folder', at: 'sync folder', errno: 'ENOSPC', code: 'E_DISK_FULL' },
]

const FAULTS_BY_PATH = DATA_PATHS.flatMap((way) => FAULTS.filter(({ at }) => at !== 'glue' || !way.inWindows).map((fault) => ({ ...fault, ...way })))

for (const { fault, at, errno, code, path, inWindows } of FAULTS_BY_PATH) {
  void t.test(`${path}: ${fault}`, async (t) => {
    const { owner, fetch, folder, target } = await setUp(t, DATA, inWindows)
    const disk = new FaultyDisk({ [at]: failWith(errno) })
    const startedMs = performance.now()
    await t.rejects(fetch(disk), { code }, `the code is ${code}`)
    t.ok(performance.now() - startedMs < FAILED_WITHIN_MS, 'it is said within 5 s')
    t.ok(disk.steps.includes(at), 'it was that step that failed')
    t.strictSame(await visibleFiles(folder), [], 'there is no final name')
    t.strictSame(openWithin(folder), [], 'nothing is left open')

    const asked = owner.requests.length
    const { resumedBytes } = await fetch(new FaultyDisk())
    t.ok((await fsPromises.readFile(target)).equals(DATA), 'the next try brings the file')
    t.strictSame(await hiddenLeftovers(folder), [])
    if (at === 'sync' || at === 'link' || at === 'sync folder') {
      t.equal(resumedBytes, DATA.length, 'every good piece was kept')
      t.equal(owner.requests.length, asked, 'and none was asked for again')
    }
  })
}

for (const { fault, at, errno, code } of FAULTS.filter(({ at }) => at !== 'glue' && at !== 'close')) {
  void t.test(`a file of one piece: ${fault}`, async (t) => {
    const { fetch, folder, target } = await setUp(t, SMALL)
    const disk = new FaultyDisk({ [at]: failWith(errno) })
    await t.rejects(fetch(disk), { code }, `the code is ${code}`)
    t.ok(disk.steps.includes(at), 'it was that step that failed')
    t.strictSame(await visibleFiles(folder), [], 'there is no final name')
    t.strictSame(await hiddenLeftovers(folder), [])
    t.strictSame(openWithin(folder), [], 'nothing is left open')
    await fetch(new FaultyDisk())
    t.ok((await fsPromises.readFile(target)).equals(SMALL), 'the next try brings the file')
    t.strictSame(await hiddenLeftovers(folder), [])
  })
}

for (const errno of ['EPERM', 'EMLINK', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP']) {
  void t.test(`a file system without hard links: ${errno}`, async (t) => {
    for (const data of [DATA, SMALL]) {
      const { fetch, folder, target } = await setUp(t, data)
      const disk = new FaultyDisk({ link: failWith(errno) })
      await fetch(disk)
      t.ok(disk.steps.includes('link'))
      t.ok((await fsPromises.readFile(target)).equals(data))
      t.strictSame(await hiddenLeftovers(folder), [])
    }
  })
}

for (const errno of ['EINVAL', 'ENOTSUP', 'ENOSYS', 'EBADF', 'EACCES']) {
  void t.test(`a folder that can't be synced: ${errno}`, async (t) => {
    for (const data of [DATA, SMALL]) {
      const { fetch, target } = await setUp(t, data)
      const disk = new FaultyDisk({ 'sync folder': failWith(errno) })
      await fetch(disk)
      t.ok(disk.steps.includes('sync folder'))
      t.ok((await fsPromises.readFile(target)).equals(data))
    }
  })
}

void t.test('a file of one piece: the target appears just before it is linked', async (t) => {
  const { fetch, folder, target } = await setUp(t, SMALL)
  await t.rejects(fetch(new FaultyDisk({ link: () => fs.writeFileSync(target, 'mine') })), { code: 'E_EXISTS' })
  t.equal(await fsPromises.readFile(target, 'utf8'), 'mine', 'it is left untouched')
  t.strictSame(await hiddenLeftovers(folder), [])
})

void t.test('a file of one piece: its old name cannot be removed', async (t) => {
  const { fetch, target } = await setUp(t, SMALL)
  await t.resolves(fetch(new FaultyDisk({ unlink: failWith('EIO') })))
  t.ok((await fsPromises.readFile(target)).equals(SMALL))
})

for (const { path, inWindows } of DATA_PATHS) {
  void t.test(`${path}: EIO in the middle of a part: the pieces before it are kept`, async (t) => {
    const { fetch, target } = await setUp(t, DATA, inWindows)
    let goodPieces = 0
    const breaking = new FaultyDisk({
      verify: () => { goodPieces++ },
      write: () => { if (goodPieces >= 2) failWith('EIO')() },
    })
    await t.rejects(fetch(breaking), { code: 'E_IO' })
    const { resumedBytes } = await fetch(new FaultyDisk())
    t.equal(resumedBytes, 2 * MiB)
    t.ok((await fsPromises.readFile(target)).equals(DATA))
  })
}

void t.test('the target appears just before it is linked', async (t) => {
  const { fetch, folder, target } = await setUp(t, DATA)
  const disk = new FaultyDisk({ link: () => fs.writeFileSync(target, 'mine') })
  await t.rejects(fetch(disk), { code: 'E_EXISTS' })
  t.equal(await fsPromises.readFile(target, 'utf8'), 'mine', 'it is left untouched')
  t.strictSame(await visibleFiles(folder), [FILE])
  t.strictSame(await hiddenLeftovers(folder), [], 'nothing is kept for a name that is taken')
  t.notOk(disk.steps.includes('sync folder'))
})

void t.test('a link that leads nowhere appears just before it is linked', async (t) => {
  const { fetch, target } = await setUp(t, DATA)
  const disk = new FaultyDisk({ link: () => fs.symlinkSync('/nowhere/at/all', target) })
  await t.rejects(fetch(disk), { code: 'E_EXISTS' })
  t.equal(await fsPromises.readlink(target), '/nowhere/at/all')
})

void t.test('the folder of parts cannot be removed once the file is there: it is saved all the same', async (t) => {
  const { fetch, target } = await setUp(t, DATA)
  let isPublished = false
  const disk = new FaultyDisk({
    unlink: () => { isPublished = true },
    remove: () => { if (isPublished) failWith('EIO')() },
  })
  await t.resolves(fetch(disk))
  t.ok((await fsPromises.readFile(target)).equals(DATA))
})

void t.test('what an earlier run left cannot be read', async (t) => {
  const { fetch, folder } = await setUp(t, DATA)
  await t.rejects(fetch(new FaultyDisk({ link: failWith('EIO') })), { code: 'E_IO' })
  await t.rejects(fetch(new FaultyDisk({ read: failWith('EIO') })), { code: 'E_IO' })
  t.strictSame(await visibleFiles(folder), [])
})

interface Setting {
  folder: string
  target: string
  owner: FakeOwner
  file: FakeFile
  fetch: (disk: FaultyDisk) => Promise<Downloaded>
}

async function setUp (t: Test, data: Buffer, inWindows = true): Promise<Setting> {
  const folder = await tempDir(t)
  const tracker = new Tracker({ port: 0 })
  t.teardown(async () => await tracker.close())
  const owner = await FakeOwner.start(t, { name: 'owner', tracker: await tracker.start() })
  const file = await owner.share(FILE, data)
  const fetch: Setting['fetch'] = async (disk) => {
    const turn = await new DownloadTurns(1, 1).begin(new AbortController().signal)
    const stop = disk.use(t)
    return await download({ filename: FILE, signal: new AbortController().signal }, {
      name: 'fetcher',
      target: join(folder, FILE),
      hiddenFolder: join(folder, HIDDEN_FOLDER),
      naming: { way: 'link', hiddenFolder: join(folder, HIDDEN_FOLDER) },
      inWindows,
      findOwners: async () => ({ ...ownerOf(owner), filename: FILE, size: file.size, digest: file.digest, pieceLength: file.pieceLength }),
      // By way of the results that cross threads, as in a node.
      fetchPart: async (task) => fromTaskResult(await toTaskResult(async () => await fetchPart(task))),
      giveName: async (task) => fromTaskResult(await toTaskResult(() => giveName(task))),
      digestPieces: async (task) => fromTaskResult(await toTaskResult(() => digestPieces(task))),
      trees: TREES,
      // Like a thread, this one runs one part at a time: there is one buffer.
      slots: new Slots(1),
      turn,
      deadlines: DEADLINES,
      down: new RateLimit(),
    }).finally(stop)
  }
  return { folder, target: join(folder, FILE), owner, file, fetch }
}

function ownerOf ({ name, inputPort, outputPort }: FakeOwner): { owners: Array<{ name: string, host: string, inputPort: number, outputPort: number, complete: boolean }> } {
  return { owners: [{ name, host: '127.0.0.1', inputPort, outputPort, complete: true }] }
}

function failWith (errno: string): () => never {
  return () => { throw systemError(errno) }
}

function systemError (errno: string): Error {
  return Object.assign(new Error(`${errno}: injected`), { code: errno })
}

/** The files in a folder that this process holds open. Linux tells; elsewhere nothing is known. */
function openWithin (folder: string): string[] {
  if (!fs.existsSync('/proc/self/fd')) return []
  return fs.readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [fs.readlinkSync(join('/proc/self/fd', fd))]
    } catch {
      // The descriptor that the listing itself was read from.
      return []
    }
  }).filter((path) => path.startsWith(folder))
}
