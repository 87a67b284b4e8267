import type { Output, Reporter, Reports } from '../../lib/ui/reporter.js'

export const DIGEST = `blake3:${'0123456789abcdef'.repeat(4)}`
const tracker = { host: '127.0.0.1', port: 12_340 }

/** One of everything a node may tell of. */
export const REPORTS: Reports = {
  listening: { name: 'NodeC', input: { host: '127.0.0.1', port: 8082 }, output: { host: '127.0.0.1', port: 9092 } },
  http: { url: 'http://127.0.0.1:8080/' },
  connected: { tracker, announced: 2 },
  lost: { tracker, code: 'E_NETWORK', message: 'connection refused' },
  unreachable: { tracker, input: { host: '0.0.0.0', port: 8082 }, output: { host: '0.0.0.0', port: 9092 } },
  sharing: { file: 'a.png', bytes: 1_536, digest: DIGEST, announced: true, seconds: 0.1 },
  withdrawn: { file: 'a.png', code: 'E_CHANGED', message: '"a.png" has changed' },
  changed: { file: 'a', path: 'b/c' },
  unshared: { file: 'a.png' },
  verified: { file: 'a.png', bytes: 1_536, digest: DIGEST, seconds: 0.5 },
  cancelled: { file: 'a.png' },
  waiting: { file: 'a.png', for: 'owner', owners: ['NodeA'], seconds: 12.3 },
  progress: { task: 'download', file: 'a.png', bytes: 5, size: 10, rate: 5 },
  saved: { file: 'a.png', path: '/files/NodeC/a.png', bytes: 3_072, digest: DIGEST, seconds: 1.5, owners: [{ name: 'NodeA', bytes: 2_048 }, { name: 'NodeB', bytes: 1_024 }], resumed: 0, here: 0, zeros: 0 },
  warning: { message: 'the file system has no locks' },
  left: { name: 'NodeC' },
  failed: { file: 'a.png', code: 'E_NO_OWNER', message: 'nobody owns "a.png"' },
  list: { files: [{ filename: 'a.png', size: 1_536, digest: DIGEST, owners: 2 }], truncated: false },
  status: {
    sharing: [{ file: 'a.png', bytes: 1_536, digest: DIGEST }],
    fetching: [{ file: 'b.png', bytes: 1_024, size: 2_048, rate: 512, waitingFor: { for: 'owner', owners: ['NodeA'], seconds: 12.3 } }],
    serving: [{ file: 'a.png', peer: '127.0.0.1', bytes: 512, size: 1_536, rate: 256 }],
    tracker: { connected: true },
    limits: { up: 52_428_800 },
  },
  limits: { down: 1_024 },
  help: { text: 'commands:\n  torrent exit' },
}

/** What a reporter writes. */
export function written (make: (output: Output) => Reporter, report: (reporter: Reporter) => void): { out: string[], err: string[] } {
  const out: string[] = []
  const err: string[] = []
  const reporter = make({ out: (line) => out.push(line), err: (line) => err.push(line) })
  report(reporter)
  reporter.close()
  return { out, err }
}
