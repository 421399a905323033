/** Parts of a list: by tag, by time, page by page. */
import { expect, test } from 'vitest'
import type { SessionInfo } from '../../src/index.js'
import { message, open, tempFolder } from '../helpers/store.js'

const T0 = Date.UTC(2026, 10, 1)

/** Sessions k0 to k9, two of each minute; the even ones have a tag. */
async function ten() {
  let now = T0
  const store = await open(tempFolder(), { now: () => now })
  for (let i = 0; i < 10; i++) {
    now = T0 + Math.floor(i / 2) * 60_000
    await store.session(`k${i}`).append(message('x'))
    if (i % 2 === 0) await store.session(`k${i}`).tag(['even'])
  }
  return store
}

const keys = (rows: readonly SessionInfo[]) => rows.map(({ key }) => key)

test('pages follow each other without a gap, also while sessions are used', async () => {
  const store = await ten()
  const all = keys(await store.list())
  expect(all).toEqual(['k8', 'k9', 'k6', 'k7', 'k4', 'k5', 'k2', 'k3', 'k0', 'k1'])
  const seen: string[] = []
  let page = await store.list({ limit: 3 })
  while (page.length > 0) {
    seen.push(...keys(page))
    if (seen.length === 3) await store.session('k8').append(message('y'))
    page = await store.list({ limit: 3, cursor: page.at(-1)! })
  }
  expect(seen).toEqual(all)
})

test('by tag and by time', async () => {
  const store = await ten()
  expect(keys(await store.list({ tag: 'even', limit: 2 }))).toEqual(['k8', 'k6'])
  expect(keys(await store.list({ tag: 'none' }))).toEqual([])
  for (const since of [T0 + 180_000, new Date(T0 + 180_000)])
    expect(keys(await store.list({ since }))).toEqual(['k8', 'k9', 'k6', 'k7'])
  expect(keys(await store.list({ since: T0 + 180_000, tag: 'even' }))).toEqual(['k8', 'k6'])
})

test('refuses what it does not know, and seconds', async () => {
  const store = await ten()
  await expect(store.list({ tags: ['x'] } as never)).rejects.toThrow('list knows no option tags')
  await expect(store.list({ since: '2026' } as never)).rejects.toThrow(TypeError)
  await expect(store.list({ since: T0 / 1000 })).rejects.toThrow('must be in milliseconds')
  await expect(store.list({ cursor: 'k8' } as never)).rejects.toThrow(TypeError)
  await expect(store.list({ limit: -1 })).rejects.toThrow(RangeError)
})
