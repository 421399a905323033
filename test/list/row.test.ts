import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import type { Json } from '../../src/base/json.js'
import { type Row, rowFromJson } from '../../src/list/row.js'

const ROWS = 20_000
const TIME = 1_795_600_000_000

/** As it is kept of a session without name, tags, usage or state. */
function plain(i: number): Json {
  const times = [TIME + i + 0.25, TIME + i, TIME + i, TIME + i]
  const numbers = [65024, 1e6 + i, 895, times[0], 65024, 2e6 + i, 1098, ...times, 2, 0, 2, 0, 0]
  return JSON.parse(JSON.stringify([`telegram_user${i}`, numbers, null, null, [], '', null, null, null, null]))
}

function heapUsed(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}

test('a session without labels takes less than 280 bytes in mind', () => {
  const rows: Row[] = []
  const before = heapUsed()
  for (let i = 0; i < ROWS; i++) rows.push(rowFromJson(plain(i)))
  expect((heapUsed() - before) / ROWS).toBeLessThan(280)
  expect(rows[7]?.info).toMatchObject({ key: 'telegram_user7', bytes: 895, messages: 2, tags: [] })
})
