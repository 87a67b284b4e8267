/** Whose fault each code is, held to the side that a person would name. */
import t from 'tap'
import { blameFor, isWorthAnotherTry, type Blame } from '../../lib/protocol/blame.js'
import { EXIT_STATUS, PiecemealError, type ErrorCode } from '../../lib/protocol/errors.js'
import { throwOnOwnerRefusal } from '../../lib/protocol/owner-refusal.js'

const SIDES: Record<Blame, ErrorCode[]> = {
  ours: ['E_USAGE', 'E_IO', 'E_EXISTS', 'E_IN_PROGRESS', 'E_PORT', 'E_WORKER', 'E_LIMIT', 'E_NAME_TAKEN', 'E_DISK_FULL', 'E_INTERNAL'],
  lied: ['E_DIGEST'],
  refused: ['E_NOT_SHARED', 'E_NAME', 'E_FORBIDDEN', 'E_AUTH', 'E_CHANGED'],
  busy: ['E_BUSY'],
  lost: ['E_NETWORK', 'E_PROTOCOL', 'E_TIMEOUT'],
  tracker: ['E_NO_OWNER', 'E_CONFLICT', 'E_TRACKER', 'E_REGISTRY'],
  nobody: ['E_INTERRUPTED'],
}

await t.test('each code has a side', async (t) => {
  t.strictSame(Object.values(SIDES).flat().sort(), Object.keys(EXIT_STATUS).sort())
  for (const [side, codes] of Object.entries(SIDES)) {
    for (const code of codes) t.equal(blameFor(code), side, code)
  }
})

await t.test('what is lost or busy is worth another try', async (t) => {
  t.strictSame((Object.keys(EXIT_STATUS) as ErrorCode[]).filter(isWorthAnotherTry).sort(), ['E_BUSY', 'E_NETWORK', 'E_PROTOCOL', 'E_TIMEOUT'])
})

await t.test('no owner can say a code that is ours', async (t) => {
  for (const code of Object.keys(EXIT_STATUS) as ErrorCode[]) {
    try {
      throwOnOwnerRefusal({ error: { code, message: 'because' } })
      t.fail('it is a refusal')
    } catch (error) {
      t.ok(error instanceof PiecemealError && blameFor(error.code) !== 'ours', code)
    }
  }
  t.throws(() => throwOnOwnerRefusal({ error: { code: 'E_LIMIT', message: 'out of descriptors' } }), { code: 'E_BUSY', message: 'out of descriptors' })
})
