import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { tempDir } from '../helpers/files.js'
import type { Contestant } from './contestant.js'
import { runRounds } from './rounds.js'

interface Recorder {
  folder: string
  log: string[]
}

/** Makes a folder when it runs, and notes what is there when it is prepared and when it runs. */
function recorder ({ folder, log }: Recorder, name: string, hint?: string): Contestant<number> {
  const target = join(folder, name)
  return {
    name,
    available: () => hint,
    targets: [target],
    prepare: async () => { log.push(`prepare ${name} beside ${(await readdir(folder)).join()}`) },
    run: async () => {
      log.push(`run ${name} beside ${(await readdir(folder)).join()}`)
      await mkdir(target)
      return log.length
    },
  }
}

const QUIET = { name: 'test', say: () => {}, tell: String }

await t.test('each has its turn in each round, and the target of the one before goes right before it', async (t) => {
  const log: string[] = []
  const folder = await tempDir(t)
  const [a, b] = [recorder({ folder, log }, 'a'), recorder({ folder, log }, 'b')]
  const { runs } = await runRounds([a, b], { ...QUIET, rounds: 2 })
  t.same(log, [
    'prepare a beside ', 'run a beside ',
    // Its own target goes before it is prepared.
    'prepare a beside ', 'run a beside ', 'prepare b beside a', 'run b beside ',
    'prepare a beside b', 'run a beside ', 'prepare b beside a', 'run b beside ',
  ])
  t.same([runs.get(a), runs.get(b)], [[4, 8], [6, 10]], 'the first run does not count, the others are in the order of the rounds')
})

await t.test('the order is another one in each round, and so is who comes before whom', async (t) => {
  const log: string[] = []
  const folder = await tempDir(t)
  await runRounds(['a', 'b', 'c', 'd'].map((name) => recorder({ folder, log }, name)), { ...QUIET, rounds: 3 })
  const turns = log.filter((line) => line.startsWith('run')).map((line) => line.charAt('run '.length)).join('')
  t.equal(turns, 'a' + 'abcd' + 'adcb' + 'cdab')
})

await t.test('who is not installed is named with the remedy, and does not run', async (t) => {
  const log: string[] = []
  const folder = await tempDir(t)
  const { runs, notes } = await runRounds([recorder({ folder, log }, 'a'), recorder({ folder, log }, 'b', 'apt-get install b')], { ...QUIET, rounds: 1 })
  t.equal(runs.size, 1)
  t.same(notes, ['skipped: b (apt-get install b)'])
  t.notOk(log.some((line) => line.includes(' b ')))
})

await t.test('what is not right ends it', async (t) => {
  const folder = await tempDir(t)
  const check = async ({ name }: Contestant<number>): Promise<void> => { throw new Error(`${name} is wrong`) }
  await t.rejects(runRounds([recorder({ folder, log: [] }, 'a')], { ...QUIET, rounds: 1, check }), { message: 'a is wrong' })
})
