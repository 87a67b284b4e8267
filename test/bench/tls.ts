/** What a secret costs: the same file from the same number of owners with one and without, beside scp with the same cipher. */
import type { Stage } from '../demo/stage.js'
import type { BenchmarkOptions, BenchmarkResult } from './bench.js'
import { Piecemeal } from './piecemeal.js'
import { Scp } from './scp.js'
import { compete } from './transfer.js'

const OWNERS = 2

export async function tls (stage: Stage, options: BenchmarkOptions): Promise<BenchmarkResult> {
  return await compete('tls', stage, options, (arena) => [
    new Piecemeal(arena, OWNERS),
    new Piecemeal(arena, OWNERS, { hasSecret: true }),
    new Scp(arena),
  ])
}
