/** The tracker of the package bittorrent-tracker, in a process of its own; says "listening HTTP-PORT UDP-PORT". */
import { once, type EventEmitter } from 'node:events'
import type { AddressInfo } from 'node:net'

interface Listening {
  address: () => AddressInfo
}

interface Server extends EventEmitter {
  http: Listening
  udp4: Listening
  listen: (ports: object, hosts: object) => void
}

// A variable, for the compiler would look for the package.
const name = 'bittorrent-tracker/server'
const { default: TrackerServer } = await import(name) as { default: new (options: object) => Server }

const server = new TrackerServer({ http: true, udp: true, ws: false, stats: false })
server.listen({ http: 0, udp: 0 }, { http: '127.0.0.1', udp: '127.0.0.1', udp6: '::1' })
await once(server, 'listening')
console.log(`listening ${server.http.address().port} ${server.udp4.address().port}`)
