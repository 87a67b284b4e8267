/** The thread that serves: an upload server that is told by messages what to do. */
import type { MessagePort } from 'node:worker_threads'
import { toTaskResult } from '../threads/task-result.js'
import { RateLimit } from '../threads/rate-limit.js'
import { StreamCount } from '../threads/stream-count.js'
import { toPiecemealError } from '../protocol/errors.js'
import { PartialShare, PartialShares } from './partial-share.js'
import { ShareIndex, servedFile } from './share-index.js'
import type { UploadCall, UploadCalls, UploadMessage, UploadThreadData } from './upload-messages.js'
import { UploadServer } from './upload-server.js'

export function serveUploads (port: MessagePort, { up, streams, ...options }: UploadThreadData): void {
  const say = (message: UploadMessage): void => port.postMessage(message)
  const shares = new ShareIndex()
  const partials = new PartialShares()
  const unheard = new Map<number, () => void>()
  let nextId = 0
  const server = new UploadServer({
    ...options,
    shares,
    partials,
    up: new RateLimit(up),
    streams: new StreamCount(0, streams),
    onChanged: (share) => say({ kind: 'changed', file: servedFile(share) }),
    onSuspect: (share) => say({ kind: 'suspect', file: servedFile(share) }),
    onUnreadable: async (share, piece, { code, message }) => {
      const id = nextId++
      say({ kind: 'unreadable', id, file: servedFile(share), piece, error: { code, message } })
      await new Promise<void>((resolve) => unheard.set(id, resolve))
      unheard.delete(id)
    },
    onProbe: (probe) => say({ kind: 'probe', probe }),
    onError: (reason) => {
      const { code, message } = toPiecemealError(reason)
      say({ kind: 'error', error: { code, message } })
    },
  })

  function place ({ content, run }: UploadCalls['place']['argument']): void {
    const share = partials.get(content.filename, content.digest) ?? new PartialShare(content)
    partials.add(share)
    share.place(run)
  }

  async function obey (call: UploadCall): Promise<unknown> {
    switch (call.name) {
      case 'listen': return await server.listen(call.argument)
      case 'add': return shares.add({ ...call.argument, pieces: Buffer.from(call.argument.pieces) })
      case 'remove': return shares.remove(call.argument)
      case 'place': return place(call.argument)
      case 'drop': return partials.remove(call.argument)
      case 'heard': return unheard.get(call.argument)?.()
      case 'sentLately': return server.sentLately(call.argument)
      case 'uploads': return server.uploads
      case 'sentBytes': return server.sentBytes
      case 'drain': return await server.drain()
      case 'close': return await server.close()
    }
  }

  port.on('message', (call: UploadCall) => {
    void toTaskResult(async () => await obey(call)).then((result) => {
      say({ kind: 'answer', id: call.id, result })
      // Nothing is left to do, so the thread ends by itself.
      if (call.name === 'close') port.close()
    })
  })
}
