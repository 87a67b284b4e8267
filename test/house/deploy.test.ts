/** What others run the commands with: it can be read, says nothing that the commands don't know, and names nothing that isn't there. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { parseNodeArguments, parseTrackerArguments } from '../../lib/cli/arguments.js'
import { settingsFor } from '../../lib/command/settings.js'
import { served } from '../web/served.js'
import { filesOf, read } from './repository.js'

const exec = promisify(execFile)

const DEPLOY = 'fixtures/deploy'
/** What stands for a value that is known only there. */
const SAMPLES: Record<string, string> = { NODE_NAME: 'machine-1', HOST_IP: '10.0.0.1', STATE_DIRECTORY: '/var/lib/piecemeal', RUNTIME_DIRECTORY: '/run/piecemeal' }

interface Service {
  command?: string | string[]
  image: string
}

interface Probe {
  httpGet: { path: string, port: string }
  timeoutSeconds: number
}

interface Container {
  name: string
  image: string
  args?: string[]
  env?: Array<{ name: string, valueFrom?: { secretKeyRef?: { name: string, key: string } } }>
  ports?: Array<{ name: string, containerPort: number, hostPort?: number }>
  livenessProbe?: Probe
  startupProbe?: Probe
  readinessProbe?: Probe
  volumeMounts?: Array<{ name: string }>
}

interface PodSpec {
  securityContext: { runAsNonRoot: boolean, fsGroup: number }
  containers: Container[]
  initContainers?: Container[]
  volumes?: Array<{ name: string, secret?: { secretName: string, defaultMode: number } }>
}

interface Manifest {
  apiVersion: string
  kind: string
  metadata: { name: string }
  stringData: Record<string, string>
  spec: { template: { spec: PodSpec }, updateStrategy?: { rollingUpdate: { maxSurge: number } }, ports: Array<{ port: number, targetPort: string }> }
}

/** By the commands' own parsers: an option that is unknown or a value that makes no sense is E_USAGE. */
function check (words: readonly string[]): ReturnType<typeof parseTrackerArguments | typeof parseNodeArguments> | undefined {
  const [command = '', ...argv] = words.map((word) => word.replaceAll('%d', '/run/credentials').replace(/\$[({](\w+)[)}]/g, (_all, name: string) => SAMPLES[name] ?? ''))
  const name = command.replace(/^.*(?:bin\/|-)/, '')
  if (name === 'tracker') return parseTrackerArguments(argv, {})
  if (name === 'node') return parseNodeArguments(argv, {})
  const [up, ...rest] = name === 'piecemeal' ? argv : [command]
  if (up !== 'up') throw new Error(`${words.join(' ')}: what command is that?`)
  settingsFor('up', rest, { environment: {}, files: [] })
}

await t.test('compose files and units run what there is', async (t) => {
  const composed = filesOf(DEPLOY).filter((path) => path.endsWith('compose.yaml'))
  const units = filesOf(DEPLOY).filter((path) => path.endsWith('.service'))
  t.ok(composed.length >= 2 && units.length >= 2, 'they were found')
  for (const path of composed) {
    const { services } = parse(read(path), { merge: true }) as { services: Record<string, Service> }
    for (const [name, { command = [], image }] of Object.entries(services)) {
      if (!image.startsWith('redis')) t.doesNotThrow(() => check(typeof command === 'string' ? command.split(' ') : command), `${path}: ${name}`)
    }
  }
  for (const path of units) {
    const [, line = ''] = /^ExecStart=(.+)$/m.exec(read(path)) ?? []
    t.doesNotThrow(() => check(line.split(' ')), path)
  }
})

await t.test('the image is of the least that it takes, and nobody is root in it', async (t) => {
  const lines = read(join(DEPLOY, 'container', 'Dockerfile')).split('\n')
  t.match(lines.filter((line) => line.startsWith('FROM ')), [/^FROM node:22-slim AS build$/, /^FROM node:22-slim$/])
  t.equal(lines.findLast((line) => line.startsWith('USER ')), 'USER node')
})

await t.test('its health check is no Node, and knows who is well', async (t) => {
  const [, words = ''] = /^HEALTHCHECK .*\\\n *CMD (.*)$/m.exec(read(join(DEPLOY, 'container', 'Dockerfile'))) ?? []
  const [file = '', ...args] = JSON.parse(words) as string[]
  t.equal(file, 'bash')
  const { port, web } = await served(t)
  const check = async (): Promise<unknown> => await exec(file, args.map((arg) => arg.replaceAll('8080', String(port))), { timeout: 5_000 })
  await t.resolves(check())
  await web.close()
  await t.rejects(check(), { code: 1 })
})

await t.test('the manifests of Kubernetes', async (t) => {
  const manifests = filesOf(join(DEPLOY, 'kubernetes')).flatMap((path) => parseAllDocuments(read(path)).map((document) => {
    t.strictSame([...document.errors, ...document.warnings], [], path)
    return document.toJS() as Manifest
  }))
  t.strictSame(manifests.map(({ apiVersion, kind, metadata }) => `${apiVersion} ${kind} ${metadata.name}`).sort(), [
    'apps/v1 DaemonSet piecemeal-node', 'apps/v1 Deployment piecemeal-redis', 'apps/v1 Deployment piecemeal-tracker', 'apps/v1 Deployment piecemeal-tracker',
    'networking.k8s.io/v1 NetworkPolicy piecemeal-redis', 'v1 Secret piecemeal', 'v1 Service piecemeal-redis', 'v1 Service piecemeal-tracker', 'v1 Service piecemeal-tracker',
  ])
  const secrets = Object.keys(manifests.find(({ kind }) => kind === 'Secret')?.stringData ?? {})
  const pods = manifests.filter(({ kind }) => kind === 'DaemonSet' || kind === 'Deployment').map(({ spec }) => spec.template.spec)
  for (const { kind, spec } of manifests) if (kind === 'DaemonSet') t.match(spec.updateStrategy, { rollingUpdate: { maxSurge: 0 } })
  for (const { securityContext, containers, initContainers = [], volumes = [] } of pods) {
    t.match(securityContext, { runAsNonRoot: true, fsGroup: 1000 })
    const [secret] = volumes
    if (secret !== undefined) t.match(secret, { secret: { secretName: 'piecemeal', defaultMode: 0o440 } }, 'a group may read it, and nobody else')
    const used = [...containers, ...initContainers].flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name))
    t.strictSame([...new Set(used)].sort(), volumes.map(({ name }) => name).sort())
    for (const { name, image, args = [], env = [], ports = [], livenessProbe, readinessProbe, startupProbe } of containers) {
      const variables = [...args.join(' ').matchAll(/\$\((\w+)\)/g)].map(([, variable]) => variable)
      t.strictSame(variables, env.map((variable) => variable.name), `${name}: its variables`)
      for (const { valueFrom } of env) if (valueFrom?.secretKeyRef !== undefined) t.ok(secrets.includes(valueFrom.secretKeyRef.key), `${name}: ${valueFrom.secretKeyRef.key}`)
      for (const [, key = ''] of args.join(' ').matchAll(/\/etc\/piecemeal\/([\w-]+)/g)) t.ok(secrets.includes(key), `${name}: ${key}`)
      if (image.startsWith('redis')) continue
      const options = check(args)
      const portOf = (wanted: string): number | undefined => ports.find((port) => port.name === wanted)?.containerPort
      t.match(options, { command: 'run', http: { port: portOf('http') }, ...(name === 'tracker' ? { port: portOf('tracker') } : { inputPort: portOf('input'), outputPort: portOf('output') }) }, name)
      t.match([livenessProbe, readinessProbe], [{ httpGet: { path: '/healthz', port: 'http' } }, { httpGet: { path: '/readyz', port: 'http' } }])
      for (const probe of [livenessProbe, readinessProbe, startupProbe]) if (probe) t.ok(probe.timeoutSeconds >= 5, 'a busy machine is given time')
      t.notOk(ports.some((port) => port.hostPort !== undefined), 'a port that is claimed of the machine lets the next pod wait for ever')
    }
  }
})
