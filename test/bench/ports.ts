import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'

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

/** Whether a program on the loopback takes connections there. */
export async function accepts (port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const isThere = await once(socket, 'connect').then(() => true, () => false)
  socket.destroy()
  return isThere
}
