import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import keyvTestSuite, { keyvIteratorTests } from '@keyv/test-suite'
import fc from 'fast-check'
import Keyv from 'keyv'
import * as vitest from 'vitest'
import { afterAll, describe, expect, test } from 'vitest'
import { JsonlKeyvStore } from '../../src/adapters/keyv.js'
import { openStore } from '../../src/index.js'
import { during, systemError } from '../helpers/file-calls.js'
import { codeOf, filesIn, open, tempFolder } from '../helpers/store.js'

describe('the suite of Keyv', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'jsonl-sessions-'))
  const store = openStore(folder)
  afterAll(async () => {
    await (await store).close()
    fs.rmSync(folder, { recursive: true, force: true })
  })
  keyvTestSuite(vitest, Keyv, () => new JsonlKeyvStore(store))
  keyvIteratorTests(vitest, Keyv, () => new JsonlKeyvStore(store))
})

describe('JsonlKeyvStore', () => {
  test('writes the records of Keyv as values, in one log that retention keeps', async () => {
    const store = await open(tempFolder(), { now: () => Date.parse('2026-11-21T07:00:00.000Z') })
    const keyv = new JsonlKeyvStore(store)
    expect(await keyv.get('ns:a')).toBeUndefined()
    expect(filesIn(store.dir)).toEqual([])
    await keyv.set('ns:a', '{"value":{"b":[1]},"expires":1795244700000}')
    const session = store.session('keyv')
    expect(await session.tags()).toEqual(['pinned'])
    expect(fs.readFileSync(session.path, 'utf8')).toContain(
      '{"type":"value","name":"ns:a","value":{"b":[1]},"expires":"2026-11-21T07:05:00.000Z","at"',
    )
    expect(await keyv.get('ns:a')).toBe('{"value":{"b":[1]},"expires":1795244700000}')
    expect(await new JsonlKeyvStore(store, { log: 'other' }).get('ns:a')).toBeUndefined()
    expect(() => new JsonlKeyvStore(store, { wrong: 1 } as never)).toThrow(TypeError)
  })

  test('gives back every text and every other value as it was', async () => {
    const keyv = new JsonlKeyvStore(await open())
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.record({ value: fc.jsonValue() }).map((record) => JSON.stringify(record)),
      fc.jsonValue().map((value) => JSON.stringify({ value, expires: 4102444800000 })),
      fc.constantFrom('', '{"value":1 }', '{"value":1,"expires":1.5}', '{"value":1,"expires":"x"}', '{"expires":1}'),
      fc.constantFrom('{"value":{"$text":"x"}}', '{"value":{"$json":1}}', '{"value":1,"value":2}', '{"value":-0}'),
    )
    await fc.assert(
      fc.asyncProperty(fc.string(), texts, async (key, text) => {
        await keyv.set(key, text)
        expect(await keyv.get(key)).toBe(text)
      }),
      { numRuns: 200 },
    )
    await keyv.set('object', { value: 1, expires: null })
    expect(await keyv.get('object')).toEqual({ value: 1, expires: null })
    await expect(keyv.set('function', () => 1)).rejects.toThrow(TypeError)
  })

  test('expires what is set with a ttl, whatever the value is', async () => {
    let now = Date.parse('2026-11-21T07:00:00.000Z')
    const keyv = new JsonlKeyvStore(await open(tempFolder(), { now: () => now }))
    await keyv.set('a', 'compressed', 1_000)
    expect([await keyv.get('a'), await keyv.has('a')]).toEqual(['compressed', true])
    now += 1_000
    expect([await keyv.get('a'), await keyv.has('a')]).toEqual([undefined, false])
  })

  test('clears its namespace only, and all without one', async () => {
    const store = await open()
    const keyv = new JsonlKeyvStore(store)
    for (const key of ['one:a', 'one:b', 'oneb', 'two:a']) await keyv.set(key, 'x')
    keyv.namespace = 'one'
    await keyv.clear()
    keyv.namespace = undefined
    expect(await keyv.hasMany(['one:a', 'one:b', 'oneb', 'two:a'])).toEqual([false, false, true, true])
    await keyv.clear()
    expect(await keyv.getMany(['oneb', 'two:a'])).toEqual([undefined, undefined])
    expect(await store.session('keyv').tags()).toEqual(['pinned'])
  })

  test('an outage is an error, never a miss; values outlast the process', async () => {
    const folder = tempFolder()
    const store = await open(folder)
    await new Keyv({ store: new JsonlKeyvStore(store) }).set('a', 1)
    await store.close()
    const keyv = new JsonlKeyvStore(openStore(folder))
    const failing = () => () => {
      throw systemError('EIO')
    }
    expect(await during('open', failing, () => codeOf(keyv.get('keyv:a')))).toBe('EIO')
    expect(await keyv.get('keyv:a')).toBe('{"value":1}')
  })
})
