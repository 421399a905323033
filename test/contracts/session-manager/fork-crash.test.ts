/** A fork that ends at any step: from some file call on, all fail, as when the process is dead. */
import fs from 'node:fs'
import { expect, test } from 'vitest'
import { JsonlPersistence } from '../../../src/contracts/persistence/index.js'
import { JsonlSessionBackend } from '../../../src/contracts/session-backend/index.js'
import { JsonlSessionManager } from '../../../src/contracts/session-manager/index.js'
import { failCall } from '../../helpers/file-calls.js'
import { filesIn, fill, message, open, tempFolder } from '../../helpers/store.js'

test('leaves no copy or a whole one, an unchanged source, and leftovers that the next open removes', async () => {
  const folder = tempFolder()
  const source = await fill(await open(folder), 's', ['1', '2', '3', '4', '5'])
  await source.removeLast()
  await source.setName('n')
  const before = fs.readFileSync(source.path)
  const messages = await source.messages()
  const ends = { none: 0, whole: 0 }
  for (let nth = 1; ; nth++) {
    const store = await open(folder)
    const as = `copy-${nth}`
    const faults = failCall(nth, { lasting: true })
    const outcome = await store.fork('s', { as }).then(
      () => 'done',
      () => 'failed',
    )
    faults.stop()
    const next = await open(folder)
    // left-overs are cleared away beside the first calls
    await expect.poll(() => filesIn(folder).filter((name) => name.includes('tmp')), { timeout: 10_000 }).toEqual([])
    expect(fs.readFileSync(source.path).equals(before)).toBe(true)
    const isThere = (await next.keys()).includes(as)
    if (isThere) {
      expect(await next.session(as).messages()).toEqual(messages)
      expect((await next.session(as).check())?.damage).toEqual([])
      expect(await next.session(as).name()).toBe('n (fork)')
    }
    ends[isThere ? 'whole' : 'none']++
    if (outcome === 'done') expect(isThere).toBe(true)
    if (faults.failed.length === 0) break
  }
  expect(ends.none).toBeGreaterThan(5)
  expect(ends.whole).toBeGreaterThan(0)
})

test('a part of a session, too, is copied byte for byte, and shares nothing with its source', async () => {
  const folder = tempFolder()
  const store = await open(folder)
  const session = store.session('s')
  await session.setName('n')
  const raw = '{"id":"x1","at":"2026-01-01T00:00:00.000Z","role":"user",  "content":1.0,"big":12345678901234567890}'
  fs.appendFileSync(session.path, `${raw}\n`)
  await session.append([message('2'), message('3')])
  await session.setState('running', 'turn')
  const [, , last] = await session.messages()
  const copies = [await store.fork('s', { at: 'x1' }), await store.fork('s', { last: 3 })]
  const before = fs.readFileSync(session.path)
  for (const copy of copies) {
    expect(fs.readFileSync(copy.path, 'utf8').split('\n')).toContain(raw)
    expect(await copy.state()).toMatchObject({ state: 'idle', turnId: null })
    await copy.append(message('more'))
    await copy.rewind({ keep: 1 })
    await copy.rewrite()
    expect(fs.readFileSync(session.path).equals(before)).toBe(true)
    const bytes = fs.readFileSync(copy.path)
    await session.append(message('theirs'))
    await session.rewind({ to: last!.id as string })
    expect(fs.readFileSync(copy.path).equals(bytes)).toBe(true)
    fs.writeFileSync(session.path, before)
  }
  expect(await session.state()).toMatchObject({ state: 'running', turnId: 'turn' })
})

test('sessions of the other contracts are resumed, forked, rewound and tagged', async () => {
  const store = await open()
  const manager = new JsonlSessionManager(store)
  const persistence = new JsonlPersistence(store)
  const id = await persistence.createSession('coder', '/p')
  await persistence.insertMessage(id, { role: 'user', content: '1' })
  await persistence.insertMessage(id, { role: 'assistant', content: '2' })
  await new JsonlSessionBackend(store).append('chat', message('hi'))
  for (const [key, first] of [
    [id, message('1')],
    ['chat', message('hi')],
  ] as const) {
    expect((await manager.resume(key)).messages[0]).toMatchObject(first)
    await manager.tag(key, ['x'])
    const copy = await manager.fork(key, 'f')
    expect(copy).toMatchObject({ tags: ['x'], name: 'f', forkedFrom: key })
    expect((await manager.rewind(copy.id, 1)).messages).toHaveLength(1)
    expect((await manager.rewind(key, 0)).messages).toEqual([])
    expect((await manager.resume(copy.id)).messages[0]).toMatchObject(first)
  }
})
