/** `bin/tracker status` and `bin/tracker check`: what stands in a registry that trackers share. */
import { printable } from '../protocol/names.js'
import { connectRegistry } from '../registry/open-registry.js'
import { Keys } from '../registry/keys.js'
import { Store } from '../registry/store.js'
import { RegistryStatus, sizesOf } from '../registry/registry-status.js'
import type { Output } from '../ui/reporter.js'
import { formatBytes } from '../ui/format.js'
import type { RegistryCommandArguments } from './arguments.js'

/** The exit status: 0 where all is well, or was mended. */
export async function lookAt ({ command, registry, insecure }: RegistryCommandArguments, { out, err }: Output): Promise<number> {
  const { client, where } = await connectRegistry({ ...registry, insecure, onWarning: (message) => err(`warning: ${message}`) })
  try {
    const status = new RegistryStatus(new Store(client, where), new Keys(registry.prefix))
    if (command === 'status') {
      const found = await status.read()
      for (const { token, isAlive, address = '-', version = '', nodes = 0, records = 0, degraded } of found.trackers) {
        out(`tracker ${printable(address)} ${token} ${isAlive ? 'alive' : 'dead'}${degraded === true ? ', degraded' : ''}: ${nodes} nodes, ${records} records${version === '' ? '' : `, version ${printable(version)}`}`)
      }
      const { trackers, nodes, files, records, memoryBytes } = sizesOf(found)
      out(`registry ${where}: ${trackers} trackers, ${nodes} nodes, ${files} files, ${records} records, ${formatBytes(memoryBytes)} of memory`)
      return 0
    }
    const { files, records, wrong, unlisted, orphans } = await status.check()
    out(`checked ${files} files: ${records} records of dead trackers, ${wrong} contents counted wrongly, ${unlisted} files that were not listed, ${orphans} owners of no file${records + wrong + unlisted + orphans === 0 ? '' : '; mended'}`)
    return 0
  } finally {
    client.close()
  }
}
