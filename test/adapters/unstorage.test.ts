import fs from 'node:fs'
import fc from 'fast-check'
import { createStorage } from 'unstorage'
import { describe, expect, test } from 'vitest'
import jsonlDriver from '../../src/adapters/unstorage.js'
import { openStore } from '../../src/index.js'
import { during, systemError } from '../helpers/file-calls.js'
import { codeOf, filesIn, open, tempFolder } from '../helpers/store.js'

describe('jsonlDriver', () => {
  test('holds items of all kinds, a name beside names below it', async () => {
    const store = await open()
    const storage = createStorage({ driver: jsonlDriver({ store }) })
    expect(await storage.getItem('a')).toBeNull()
    expect(filesIn(store.dir)).toEqual([])
    await storage.setItem('a', { x: [1] })
    await storage.setItem('a:b', 'text')
    await storage.setItem('a:b:c', 7)
    await storage.setItemRaw('a:raw', new Uint8Array([0, 255]))
    expect(await storage.getItem('a')).toEqual({ x: [1] })
    expect(await storage.getItem('a:b')).toBe('text')
    expect(await storage.getItem('a:b:c')).toBe(7)
    expect(await storage.getItemRaw('a:raw')).toEqual(new Uint8Array([0, 255]))
    expect(await storage.getKeys()).toEqual(['a', 'a:b', 'a:b:c', 'a:raw'])
    expect(await storage.getKeys('a', { maxDepth: 1 })).toEqual(['a:b', 'a:raw'])
    expect([await storage.hasItem('a:b'), await storage.hasItem('b')]).toEqual([true, false])
    expect(await storage.getMeta('a')).toMatchObject({ size: 9, mtime: expect.any(Date) })
    await storage.removeItem('a:b:c')
    await jsonlDriver({ store }).clear!('a:', {})
    expect(await storage.getKeys()).toEqual(['a'])
    expect(fs.readFileSync(store.session('unstorage').path, 'utf8')).toContain('"name":"a","value":{"x":[1]}')
    expect(await store.session('unstorage').tags()).toEqual(['pinned'])
  })

  test('sets several in one write, and some for a time', async () => {
    let now = Date.parse('2026-11-21T07:00:00.000Z')
    const store = await open(tempFolder(), { now: () => now })
    const storage = createStorage({ driver: jsonlDriver({ store, log: 'items' }) })
    await storage.setItems([
      { key: 'a', value: '1' },
      { key: 'b', value: '2', options: { ttl: 10 } },
    ])
    expect(await storage.getItems(['a', 'b'])).toEqual([
      { key: 'a', value: 1 },
      { key: 'b', value: 2 },
    ])
    now += 10_000
    expect(await storage.getItem('b')).toBeNull()
  })

  test('gives back every text as it was', async () => {
    const driver = jsonlDriver({ store: await open() })
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.constantFrom('', '[1 ]', '{"a":1,"a":2}', '{"__proto__":1}'),
    )
    await fc.assert(
      fc.asyncProperty(fc.string(), texts, async (key, text) => {
        await driver.setItem!(key, text, {})
        expect(await driver.getItem(key, {})).toBe(text)
      }),
      { numRuns: 200 },
    )
  })

  test('an outage is an error, never a missing item', async () => {
    const folder = tempFolder()
    const store = await open(folder)
    await jsonlDriver({ store }).setItem!('a', '1', {})
    await store.close()
    const driver = jsonlDriver({ store: openStore(folder) })
    const failing = () => () => {
      throw systemError('EIO')
    }
    expect(await during('open', failing, () => codeOf(Promise.resolve(driver.getItem('a', {}))))).toBe('EIO')
    expect(await driver.getItem('a', {})).toBe('1')
    expect(() => jsonlDriver({ store, wrong: 1 } as never)).toThrow(TypeError)
  })
})
