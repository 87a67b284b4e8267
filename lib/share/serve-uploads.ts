/** The thread that serves: an upload server that is told by messages what to do. */
import type { MessagePort } from 'node:worker_threads'
import { toTaskResult } from '../threads/task-result.js'
import { RateLimit } from '../threads/rate-limit.js'
import { StreamCount } from '../threads/stream-count.js'
import { toPiecemealError } from '../protocol/errors.js'
import { PartialShare, PartialShares } from './partial-share.js'
import { ServedFolders } from './served-folders.js'
import { ShareIndex, servedFile } from './share-index.js'
import type { UploadCall, UploadCalls, UploadMessage, UploadThreadData } from './upload-messages.js'
import { UploadServer } from './upload-server.js'

export function serveUploads (port: MessagePort, { up, streams, ...options }: UploadThreadData): void {
  const say = (message: UploadMessage): void => port.postMessage(message)
  const shares = new ShareIndex()
  const partials = new PartialShares()
  const unheard = new Map<number, () => void>()
  let nextId = 0
  /** Resolves when the main thread has told all others. */
  const tell = async (message: (id: number) => UploadMessage): Promise<void> => {
    const id = nextId++
    say(message(id))
    await new Promise<void>((resolve) => unheard.set(id, resolve))
    unheard.delete(id)
  }
  const folders = new ServedFolders(async ({ filename, digest }, event) => await tell((id) => ({ kind: 'folder', id, folder: { filename, digest }, event })))
  const server = new UploadServer({
    ...options,
    shares,
    folders,
    partials,
    up: new RateLimit(up),
    streams: new StreamCount(0, streams),
    onChanged: (share) => say({ kind: 'changed', file: servedFile(share) }),
    onSuspect: (share) => say({ kind: 'suspect', file: servedFile(share) }),
    onUnreadable: async (share, piece, { code, message }) => await tell((id) => ({ kind: 'unreadable', id, file: servedFile(share), piece, error: { code, message } })),
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
      case 'addFolder': return folders.add(call.argument)
      case 'removeFolder': return folders.remove(call.argument)
      case 'lackOfFolder': return folders.lack(call.argument, call.argument.pieces)
      case 'gainOfFolder': return folders.gain(call.argument, call.argument.pieces)
      case 'folderIdleMs': return folders.idleMs(call.argument)
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
