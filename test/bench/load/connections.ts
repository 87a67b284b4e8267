/** Connections to a tracker on the loopback. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A tracker takes only so many at once that have not said who they are. */
const AT_ONCE = 32

export async function connectTo (port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  return socket
}

/** `open` for 0, 1, … `count - 1`, a few at a time. */
export async function openAll<T> (count: number, open: (index: number) => Promise<T>): Promise<T[]> {
  const opened: T[] = []
  for (let first = 0; first < count; first += AT_ONCE) {
    const indexes = Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, i) => first + i)
    opened.push(...await Promise.all(indexes.map(open)))
  }
  return opened
}

/** Sends one request. @returns what comes until `isWhole` says that it is all */
export async function ask (socket: Socket, request: string, isWhole: (answer: string) => boolean): Promise<string> {
  socket.write(request)
  let answer = ''
  while (!isWhole(answer)) {
    const [chunk] = await once(socket, 'data') as [Buffer]
    answer += chunk.toString('latin1')
  }
  return answer
}

/** The tracker has to stay. */
export function failOnClose (socket: Socket): void {
  socket.once('close', () => { throw new Error('the tracker closed a connection') })
}
