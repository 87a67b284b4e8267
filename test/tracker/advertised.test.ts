import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { Advertised, type AdvertisedOptions } from '../../lib/tracker/advertised.js'
import { Tries, type Place } from '../../lib/tracker/reachability.js'
import { HOST, listen, type Scope } from '../net/peer.js'
import { digestOf } from './registry-conformance.js'

const FILE = { filename: 'a', digest: digestOf('a') }

/** A node's two ports, which answer as they would without a probe, and tell of it. */
async function ports (t: Scope): Promise<{ inputPort: number, outputPort: number, probes: { input: Promise<string>, output: Promise<string> } }> {
  const port = async (answer: object): Promise<{ port: number, probe: Promise<string> }> => {
    let tell: (probe: string) => void = () => {}
    const probe = new Promise<string>((resolve) => { tell = resolve })
    const { port } = await listen(t, (socket) => {
      socket.once('data', (line) => {
        tell((JSON.parse(line.toString()) as { probe: string }).probe)
        socket.end(`${JSON.stringify(answer)}\n`)
      })
    })
    return { port, probe }
  }
  const error = { code: 'E_NOT_SHARED', message: 'no' }
  const input = await port({ type: 'SizeInformation', error })
  const output = await port({ type: 'FileCommunication', error })
  return { inputPort: input.port, outputPort: output.port, probes: { input: input.probe, output: output.probe } }
}

function advertised (t: Scope, options: Partial<AdvertisedOptions> = {}): { advertised: Advertised, proven: Promise<Place> } {
  const tries = new Tries()
  t.teardown(() => tries.close())
  let tell: (place: Place) => void = () => {}
  const proven = new Promise<Place>((resolve) => { tell = resolve })
  return { advertised: new Advertised({ host: '127.0.0.9', isLocal: true, tries, onProven: (place) => tell(place), ...options }), proven }
}

await t.test('a place counts when both of its ports were told something that comes back', async (t) => {
  for (const hasOwnPorts of [false, true]) {
    const { inputPort, outputPort, probes } = await ports(t)
    const { advertised: place, proven } = advertised(t)
    const announced = hasOwnPorts ? { inputPort: 1, outputPort: 2 } : { inputPort, outputPort }
    place.offer(hasOwnPorts ? `${HOST}:${inputPort}:${outputPort}` : HOST)
    place.consider({ ...announced, ...FILE })
    t.ok(place.isUnderWay)
    t.equal(place.placeOf(announced), undefined, 'not yet')
    const [input, output] = await Promise.all([probes.input, probes.output])
    t.match(input, /^[0-9a-f]{32}$/)
    t.not(input, output)
    for (const probe of [input, 'f'.repeat(32), input, output]) place.hear(probe)
    t.strictSame(await proven, { host: HOST, inputPort, outputPort })
    t.strictSame(place.placeOf(announced), { host: HOST, inputPort, outputPort })
    t.notOk(place.isUnderWay)
    if (!hasOwnPorts) t.equal(place.placeOf({ inputPort: 1, outputPort: 2 }), undefined, 'other ports are another place')
    place.offer('127.0.0.8')
    t.equal(place.placeOf(announced), undefined, 'and so is another host')
  }
})

await t.test('one port that is somebody else\'s is not enough', async (t) => {
  const [own, foreign] = [await ports(t), await ports(t)]
  const { advertised: place } = advertised(t, { onProven: () => t.fail('it is not proven'), proofMs: 200 })
  place.offer(`${HOST}:${own.inputPort}:${foreign.outputPort}`)
  place.consider({ inputPort: 1, outputPort: 2, ...FILE })
  place.hear(await own.probes.input)
  place.hear('0'.repeat(32))
  while (place.isUnderWay) await new Promise((resolve) => setTimeout(resolve, 10))
  t.equal(place.placeOf({ inputPort: 1, outputPort: 2 }), undefined)
})

await t.test('what is never tried', async (t) => {
  const { inputPort, outputPort } = await ports(t)
  const never: Array<[text: string, isLocal: boolean]> = [
    [HOST, false], ['localhost', false], ['::1', false], ['::ffff:127.0.0.1', false], ['0.0.0.0', true], ['::', true], ['169.254.1.1', true], ['fe80::1', true], ['224.0.0.1', true], ['ff02::1', true], ['255.255.255.255', true], ['no-such-host.invalid', true],
  ]
  for (const [text, isLocal] of never) {
    const { advertised: place } = advertised(t, { isLocal, tries: { run: async () => { t.fail(`${text} was dialled`); throw new Error('no') } } })
    place.offer(text)
    place.consider({ inputPort, outputPort, ...FILE })
    while (place.isUnderWay) await new Promise((resolve) => setTimeout(resolve, 5))
    t.equal(place.placeOf({ inputPort, outputPort }), undefined, text)
  }
  const { advertised: place } = advertised(t, { host: HOST })
  for (const text of ['lab-7:1', '[x]', HOST, `${HOST}:${inputPort}:${outputPort}`]) {
    place.offer(text)
    place.consider({ inputPort, outputPort, ...FILE })
    t.notOk(place.isUnderWay, `${text}: no place, or the one where it comes from`)
  }
})

await t.test('one at a time, four a minute', async (t) => {
  let nowMs = 0
  let tried = 0
  const { advertised: place } = advertised(t, { now: () => nowMs, tries: { run: async () => { tried++; throw new Error('refused') } } })
  const settled = async (): Promise<void> => { while (place.isUnderWay) await turn() }
  const consider = async (): Promise<number> => {
    place.offer('10.0.0.1')
    for (let i = 0; i < 3; i++) place.consider({ inputPort: 1, outputPort: 2, ...FILE })
    await settled()
    return tried / 2
  }
  t.strictSame([await consider(), await consider(), await consider(), await consider(), await consider()], [1, 2, 3, 4, 4])
  nowMs = 60_000
  t.equal(await consider(), 5)
})
