/**
 * One thread's multicast DNS: asks for trackers, or says where one is, on every interface. What
 * the library throws, also from its timers, ends this thread and nothing else.
 */
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { MessagePort } from 'node:worker_threads'
import multicastDns, { type MulticastDNS } from 'multicast-dns'
import type { Packet } from 'dns-packet'
import { DISCOVERY_ANSWERS, DISCOVERY_CANDIDATES, DISCOVERY_CANDIDATES_OF_ONE } from '../protocol/limits.js'
import type { DiscoveryMessage, DiscoveryThreadData } from './messages.js'
import { asksForUs, candidatesIn, recordsOf, SERVICE, type Candidate } from './records.js'

const PORT = 5_353
const GROUP = { udp4: '224.0.0.251', udp6: 'ff02::fb' } as const
/** Who asks, asks again: a first packet on Wi-Fi is easily lost. */
const ASK_AGAIN_MS = 700

interface Place {
  name: string
  family: 'udp4' | 'udp6'
  address: string
  /** All that others reach there. */
  addresses: string[]
}

export function discover (port: MessagePort, { advertise, wanted }: DiscoveryThreadData): void {
  const tell = (message: DiscoveryMessage): void => port.postMessage(message)
  const heard = new Heard(wanted)
  const hear = (packet: Packet, sender: string): void => {
    for (const found of candidatesIn(packet, sender)) if (heard.isNews(found, sender)) tell({ found })
  }
  const places = placesHere()
  if (places.length === 0) tell({ failed: 'there is no interface that others could be reached by' })
  for (const place of places) {
    const speak = (fixedPort: boolean): void => {
      const mdns = open(place, fixedPort)
      mdns.on('warning', (error: Error) => tell({ warning: `${place.name}: ${error.message}` }))
      mdns.on('error', (error: Error) => {
        // Another program has the port to itself: to ask, any other port will do.
        if (fixedPort && advertise === undefined) speak(false)
        else tell({ warning: `${place.name}: ${error.message}` })
      })
      if (advertise === undefined) ask(mdns, place, hear)
      else answer(mdns, place, advertise)
    }
    speak(true)
  }
}

/** What was told, so that nobody is told the same again, and who talks much leaves room for others. */
class Heard {
  readonly #wanted: string | undefined
  /** With who said it. */
  readonly #answers = new Set<string>()
  readonly #senders = new Map<string, number>()
  readonly #told = { wanted: new Set<string>(), others: new Set<string>() }

  constructor (wanted: string | undefined) {
    this.#wanted = wanted
  }

  isNews (found: Candidate, sender: string): boolean {
    const key = JSON.stringify(found)
    const answer = `${sender} ${key}`
    const said = this.#senders.get(sender) ?? 0
    if (this.#answers.has(answer) || this.#answers.size >= DISCOVERY_ANSWERS || said >= DISCOVERY_CANDIDATES_OF_ONE) return false
    this.#answers.add(answer)
    this.#senders.set(sender, said + 1)
    // Those of other secrets are told for a message alone.
    const told = this.#told[found.id === this.#wanted ? 'wanted' : 'others']
    if (told.has(key) || told.size >= DISCOVERY_CANDIDATES) return false
    told.add(key)
    return true
  }
}

/** `interface` alone hears nothing, and without it nothing goes out but by the default route. */
function open ({ name, family, address }: Place, fixedPort: boolean): MulticastDNS {
  const options = family === 'udp4'
    ? { type: family, interface: address, bind: '0.0.0.0' }
    : { type: family, interface: `::%${name}`, bind: '::', ip: GROUP.udp6 }
  return multicastDns({ ...options, ...(!fixedPort && { port: 0 }) })
}

function ask (mdns: MulticastDNS, { family }: Place, hear: (packet: Packet, sender: string) => void): void {
  mdns.on('response', (packet, { address }) => hear(packet, address))
  const send = (): void => mdns.query([{ name: SERVICE, type: 'PTR' }], { address: GROUP[family], port: PORT })
  mdns.on('ready', send)
  setInterval(send, ASK_AGAIN_MS)
}

function answer (mdns: MulticastDNS, { addresses }: Place, { hosts, ...advertised }: NonNullable<DiscoveryThreadData['advertise']>): void {
  const here = addresses.filter((address) => hosts === undefined || hosts.includes(address))
  if (here.length === 0) return
  const answers = recordsOf(advertised, here)
  mdns.on('query', (packet, sender) => {
    if (!asksForUs(packet)) return
    if (sender.port === PORT) return mdns.respond({ answers })
    // A question from any other port is answered to that one, with what was asked.
    mdns.respond({ id: packet.id, questions: packet.questions, answers }, { address: sender.address, port: sender.port })
  })
  mdns.on('ready', () => mdns.respond({ answers }))
}

function placesHere (): Place[] {
  return Object.entries(networkInterfaces()).flatMap(([name, infos = []]) => {
    const outward = infos.filter(({ internal }) => !internal).map(({ address }) => address)
    const addresses = outward.filter((address) => !/^(?:fe[89ab]|169\.254\.)/i.test(address))
    return (['udp4', 'udp6'] as const).flatMap((family) => {
      const own = outward.find((address) => isIP(address) === (family === 'udp4' ? 4 : 6))
      return own === undefined ? [] : [{ name, family, address: own, addresses }]
    })
  })
}
