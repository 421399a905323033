import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RowsByActivity } from '../../src/list/rows-by-activity.js'

interface Row {
  key: string
  active: number
  newer: Row | undefined
  older: Row | undefined
}

const change = fc.record({
  key: fc.integer({ min: 0, max: 150 }).map((n) => `k${n}`),
  // undefined: it is removed
  active: fc.option(fc.integer({ min: 0, max: 400 }), { nil: undefined }),
  asks: fc.boolean(),
})

const shown = (rows: Row[]) => rows.map(({ key, active }) => `${key} ${active}`)

test('rows come newest first, ties by key, through any order of changes', () => {
  fc.assert(
    fc.property(fc.array(change, { size: 'large' }), (changes) => {
      const rows = new RowsByActivity<Row>()
      const all = new Map<string, Row>()
      const sorted = () => [...all.values()].sort((a, b) => b.active - a.active || (a.key < b.key ? -1 : 1))
      for (const { key, active, asks } of changes) {
        if (active === undefined) {
          rows.delete(key)
          all.delete(key)
        } else {
          const row = { key, active, newer: undefined, older: undefined }
          rows.set(key, row)
          all.set(key, row)
        }
        if (asks) expect(shown(rows.newestFirst(20))).toEqual(shown(sorted().slice(0, 20)))
      }
      expect(shown(rows.newestFirst(Number.POSITIVE_INFINITY))).toEqual(shown(sorted()))
      expect(rows.size).toBe(all.size)
      expect([...rows.names()].sort()).toEqual([...all.keys()].sort())
    }),
  )
})
