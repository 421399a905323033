import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RowsByActivity } from '../../src/rows-by-activity.js'

const change = fc.record({
  key: fc.integer({ min: 0, max: 150 }).map((n) => `k${n}`),
  // undefined: it is removed
  active: fc.option(fc.integer({ min: 0, max: 400 }), { nil: undefined }),
  asks: fc.boolean(),
})

test('rows come newest first, ties by key, through any order of changes', () => {
  fc.assert(
    fc.property(fc.array(change, { size: 'large' }), (changes) => {
      const rows = new RowsByActivity<{ key: string; active: number }>()
      const all = new Map<string, { key: string; active: number }>()
      const sorted = () => [...all.values()].sort((a, b) => b.active - a.active || (a.key < b.key ? -1 : 1))
      for (const { key, active, asks } of changes) {
        if (active === undefined) {
          rows.delete(key)
          all.delete(key)
        } else {
          rows.set(key, { key, active })
          all.set(key, { key, active })
        }
        if (asks) expect(rows.newestFirst(20)).toEqual(sorted().slice(0, 20))
      }
      expect(rows.newestFirst(Number.POSITIVE_INFINITY)).toEqual(sorted())
      expect(rows.size).toBe(all.size)
      expect(new Map(rows.entries())).toEqual(all)
    }),
  )
})
