/** Reads a manifest of so many files in a process of its own, with `--expose-gc`, and prints how many bytes stay. */
import { setImmediate } from 'node:timers/promises'
import { ManifestReader } from '../../lib/manifest/manifest-reader.js'

const files = Number(process.argv[2])

/** Buffers that were replaced by larger ones are freed by another thread, after the collection that found them. */
async function stayingBytes (): Promise<number> {
  for (let i = 0; i < 4; i++) {
    global.gc?.()
    await setImmediate()
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

const reader = new ManifestReader()
const digest = Buffer.alloc(32, 7).toString('base64')
const before = await stayingBytes()
reader.take(Buffer.from(`["piecemeal/folder",1,${files},${files}]\n`))
for (let i = 0; i < files; i += 500) {
  let lines = ''
  for (let file = i; file < i + 500; file++) lines += `["f","data/train/${String(i).padStart(7, '0')}/image-${String(file).padStart(7, '0')}.jpg",1,0,"${digest}"]\n`
  reader.take(Buffer.from(lines))
}
const manifest = reader.end()
process.stdout.write(JSON.stringify({ bytes: await stayingBytes() - before, entries: manifest.entryCount }))
