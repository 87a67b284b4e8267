import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

/** Free a moment ago, which is all that can be known of a port for another program. */
export async function freePorts (count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map(async (server) => await once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map(async (server) => {
    server.close()
    await once(server, 'close')
  }))
  return ports
}
