/**
 * The least that moves a file in Node: nothing is asked for, checked or told, and nothing may go wrong.
 * `floor.ts` says what it is for, and starts it:
 *
 *     node floor-peer.js serve SOURCE         says "serving PORT"; a connection says where its bytes begin and end, and gets them
 *     node floor-peer.js fetch TARGET SIZE    says "ready"; a line of ports makes it fetch an equal share from each, until
 *                                             all is written, digested and on the disk, and it says "done"
 */
import { Blake3Hasher } from '@napi-rs/blake-hash'
import { once } from 'node:events'
import { fdatasync, fdatasyncSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'

/** As those of a file of a few GiB. */
const PIECE_BYTES = 1_048_576
const SENT_BYTES = 262_144
/** How often what there is goes to the disk. */
const FLUSH_MS = 100
const STREAMS = 2

interface Share {
  fd: number
  port: number
  start: number
  end: number
}

function serve (source: string): void {
  const fd = openSync(source, 'r')
  const server = createServer((socket) => {
    socket.once('data', (bytes) => {
      const [start = 0, end = 0] = bytes.toString().split(' ').map(Number)
      void send(socket, fd, start, end)
    })
  })
  server.listen(0, '127.0.0.1', () => console.log(`serving ${(server.address() as AddressInfo).port}`))
}

/** The next bytes are read while the last are sent. */
async function send (socket: Socket, fd: number, start: number, end: number): Promise<void> {
  let [filling, sending] = [Buffer.allocUnsafeSlow(SENT_BYTES), Buffer.allocUnsafeSlow(SENT_BYTES)]
  let sent: Promise<unknown> = Promise.resolve()
  for (let at = start; at < end;) {
    const bytes = readSync(fd, filling, 0, Math.min(SENT_BYTES, end - at), at)
    await sent
    sent = new Promise((resolve) => socket.write(filling.subarray(0, bytes), resolve));
    [filling, sending] = [sending, filling]
    at += bytes
  }
}

async function fetch (target: string, size: number): Promise<void> {
  const threads = Array.from({ length: STREAMS }, () => new Worker(new URL(import.meta.url)))
  await Promise.all(threads.map(async (thread) => await once(thread, 'online')))
  console.log('ready')
  const [line] = await once(createInterface({ input: process.stdin }), 'line') as [string]
  const fd = openSync(target, 'w+')
  ftruncateSync(fd, size)
  const flush = setInterval(() => fdatasync(fd, () => {}), FLUSH_MS)
  await Promise.all(line.split(' ').map(async (port, i) => {
    threads[i]?.postMessage({ fd, port: Number(port), start: Math.floor(i * size / STREAMS), end: Math.floor((i + 1) * size / STREAMS) } satisfies Share)
    await once(threads[i] as Worker, 'message')
  }))
  clearInterval(flush)
  fdatasyncSync(fd)
  console.log('done')
}

function fetchShare ({ fd, port, start, end }: Share): void {
  const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES)
  const hasher = new Blake3Hasher()
  let at = start
  const take = (length: number): boolean => {
    writeSync(fd, buffer, 0, length, at)
    for (let done = 0; done < length;) {
      const bytes = Math.min(length - done, PIECE_BYTES - at % PIECE_BYTES)
      hasher.update(buffer.subarray(done, done + bytes))
      done += bytes
      at += bytes
      if (at % PIECE_BYTES !== 0 && at < end) continue
      hasher.digestBuffer()
      hasher.reset()
    }
    if (at === end) parentPort?.postMessage('done')
    return true
  }
  const socket = connect({ host: '127.0.0.1', port, onread: { buffer, callback: take } }, () => socket.write(`${start} ${end}`))
}

if (isMainThread) {
  const [role, path = '', size] = process.argv.slice(2)
  if (role === 'serve') serve(path)
  else await fetch(path, Number(size))
} else parentPort?.on('message', fetchShare)
