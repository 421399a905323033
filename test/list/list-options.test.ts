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

test('with the beginning of the first user message of so many sessions without a name', async () => {
  const store = await open()
  for (const key of ['a', 'b', 'c', 'named', 'silent', 'long'])
    await store.session(key).append({ role: key === 'silent' ? 'assistant' : 'user', content: `${key} 1` })
  const [id] = await store.session('b').append([message('b 2'), message('b 3')])
  await store.session('named').setName('N')
  await store.session('long').clear()
  await store.session('long').append([{ role: 'system', content: 'S' }, message(`${'x'.repeat(255)}🦊`)])
  const previews = async (most?: number) =>
    Object.fromEntries((await store.list({ previews: most ?? 9 })).map(({ key, preview }) => [key, preview]))
  expect(await previews()).toEqual({ a: 'a 1', b: 'b 1', c: 'c 1', long: 'x'.repeat(255) })
  expect(Object.values(await previews(2)).filter((text) => text !== undefined)).toHaveLength(2)
  expect((await store.list()).every((row) => !('preview' in row))).toBe(true)
  await store.session('b').remove([(await store.session('b').messages())[0]!.id, id!])
  await store.session('c').append(message('c 2'))
  expect(await previews()).toMatchObject({ b: 'b 3', c: 'c 1' })
  await store.session('named').setName(null)
  expect(await previews()).toMatchObject({ named: 'named 1' })
})

test('refuses what it does not know, and seconds', async () => {
  const store = await ten()
  await expect(store.list({ tags: ['x'] } as never)).rejects.toThrow('list knows no option tags')
  await expect(store.list({ since: '2026' } as never)).rejects.toThrow(TypeError)
  await expect(store.list({ since: T0 / 1000 })).rejects.toThrow('must be in milliseconds')
  await expect(store.list({ cursor: 'k8' } as never)).rejects.toThrow(TypeError)
  await expect(store.list({ limit: -1 })).rejects.toThrow(RangeError)
  await expect(store.list({ previews: 0.5 })).rejects.toThrow(RangeError)
  await expect(store.list({ save: 1 } as never)).rejects.toThrow(TypeError)
})
