import t from 'tap'
import { Windows } from '../../lib/disk/windows.js'

await t.test('no piece is written by two', async (t) => {
  const windows = new Windows(10)
  t.ok(windows.take({ firstPiece: 2, endPiece: 6 }))
  for (const [firstPiece, endPiece] of [[5, 6], [0, 3], [0, 10], [3, 4]] as const) t.notOk(windows.take({ firstPiece, endPiece }), `${firstPiece}..${endPiece}`)
  t.ok(windows.take({ firstPiece: 0, endPiece: 2 }), 'next to it')
  windows.giveBack({ firstPiece: 4, endPiece: 6 })
  t.ok(windows.take({ firstPiece: 4, endPiece: 7 }), 'its tail, given back')
})

await t.test('a good piece is never written again', async (t) => {
  const windows = new Windows(10)
  windows.take({ firstPiece: 2, endPiece: 6 })
  windows.keep({ firstPiece: 2, endPiece: 4 })
  windows.giveBack({ firstPiece: 4, endPiece: 6 })
  t.equal(windows.good.size, 2)
  t.notOk(windows.take({ firstPiece: 3, endPiece: 5 }))
  t.ok(windows.take({ firstPiece: 4, endPiece: 5 }))
  t.equal(windows.good.firstGapFrom(2), 4)
})
