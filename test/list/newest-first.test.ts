/** Lists stay in order through changes of every kind, few and many between two lists. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { message, open, tempFolder } from '../helpers/store.js'

const change = fc.record({ i: fc.nat(99), kind: fc.constantFrom('append', 'append', 'append', 'delete') })
const changes = fc.oneof(fc.array(change, { maxLength: 8 }), fc.array(change, { minLength: 60, maxLength: 120 }))

test('newest activity first, ties by key', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(changes, { minLength: 1, maxLength: 6 }), async (rounds) => {
      let now = 1_795_600_000_000
      const store = await open(tempFolder(), { now: () => now })
      const active = new Map<string, number>()
      for (const round of rounds) {
        for (const { i, kind } of round) {
          const key = `k${i}`
          // some fall into the same millisecond
          now += i % 3
          if (kind === 'delete') {
            await store.session(key).delete()
            active.delete(key)
          } else {
            await store.session(key).append(message('hello'))
            active.set(key, now)
          }
        }
        const expected = [...active].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([key]) => key)
        expect((await store.list({ limit: 5 })).map(({ key }) => key)).toEqual(expected.slice(0, 5))
        expect((await store.list()).map(({ key }) => key)).toEqual(expected)
      }
      await store.close()
    }),
    { numRuns: 5, seed: 20261128 },
  )
})
