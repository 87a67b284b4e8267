/** A thread of its own for the output port, for as long as the node lives. */
import { parentPort, workerData } from 'node:worker_threads'
import { serveUploads } from '../lib/share/serve-uploads.js'
import type { UploadThreadData } from '../lib/share/upload-messages.js'

if (parentPort === null) throw new Error('not a worker thread')
serveUploads(parentPort, workerData as UploadThreadData)
