/** What programs that copy logs call of a store: hold, merge; and what the quarantine gives back. */
import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { mergeLogs, parseLog } from '../../src/index.js'
import { codeOf, contents, fill, message, open, sleep, tempFolder } from '../helpers/store.js'

test('hold keeps every writer waiting until its work ends, also when that throws', async () => {
  const store = await open()
  const session = await fill(store, 'ann', ['one'])
  let named: Promise<void> | undefined
  const held = store.hold(async () => {
    named = session.setName('x')
    await sleep(50)
    expect(parseLog(fs.readFileSync(session.path)).map(({ kind }) => kind)).toEqual(['session', 'message'])
    throw new Error('work failed')
  })
  await expect(held).rejects.toThrow('work failed')
  await named
  expect(await session.name()).toBe('x')
})

test('a conflict copy is merged into the session of its name and goes to quarantine', async () => {
  const store = await open()
  const session = await fill(store, 'ann', ['one'])
  const copy = path.join(store.dir, 'ann.sync-conflict-20261121-073217-ZMMT233.jsonl')
  fs.copyFileSync(session.path, copy)
  fs.appendFileSync(copy, `${JSON.stringify({ ...message('two'), id: 'other', at: '2999-01-01T00:00:00.000Z' })}\n`)
  expect(await store.merge(copy)).toEqual({ key: 'ann', added: 1, contradictions: [] })
  expect(await contents(session)).toEqual(['one', 'two'])
  expect(fs.existsSync(copy)).toBe(false)
  expect(await store.quarantine()).toMatchObject([{ id: `ann/${path.basename(copy)}`, key: 'ann' }])
})

test('a file whose name says no session needs one, and stays where it is', async () => {
  const store = await open()
  const session = await fill(store, 'ann', ['one'])
  const file = path.join(tempFolder(), 'a copy')
  fs.copyFileSync(session.path, file)
  expect(await codeOf(store.merge(file))).toBe('ERR_SESSION_NOT_FOUND')
  await expect(store.merge(session.path, { into: 'ann' })).rejects.toThrow(TypeError)
  expect(await store.merge(file, { into: 'bob' })).toMatchObject({ key: 'bob' })
  expect(await contents(store.session('bob'))).toEqual(['one'])
  expect(fs.existsSync(file)).toBe(true)
})

test('lines in quarantine come back once they can be read', async () => {
  const store = await open()
  const session = await fill(store, 'ann', ['one'])
  fs.appendFileSync(session.path, '{"role":"user","content":"by hand\\n\n')
  await session.rewrite()
  const [lost] = await store.quarantine()
  expect(lost).toMatchObject({ key: 'ann', bytes: 36, at: expect.any(Date) })
  expect(await codeOf(store.takeBack(lost!.id))).toBe('ERR_NOT_A_LOG')
  fs.writeFileSync(lost!.path, '{"role":"user","content":"by hand"}\n')
  expect(await store.takeBack(lost!.id)).toEqual({ key: 'ann', added: 1, contradictions: [] })
  expect(new Set(await contents(session))).toEqual(new Set(['one', 'by hand']))
  expect(await store.quarantine()).toEqual([])
  expect(await codeOf(store.takeBack(lost!.id))).toBe('ERR_SESSION_NOT_FOUND')
})

test('a log is read and merged without a store', () => {
  const line = (id: string, content: string) => `{"role":"user","content":"${content}","id":"${id}"}\n`
  const ours = Buffer.from(`${line('a', 'one')}${line('b', 'two')}`)
  const theirs = Buffer.from(`${line('a', 'one')}${line('c', 'three')}`)
  const { bytes, report } = mergeLogs(Buffer.from(line('a', 'one')), ours, theirs)
  expect(report).toEqual({ onlyOurs: 1, onlyTheirs: 1, contradictions: [], unreadable: 0 })
  const removed = Buffer.from('{"type":"remove","ids":["a"],"id":"r"}\n{"role":"user"}\nnonsense\n\n{"role":')
  const lines = parseLog(Buffer.concat([bytes, removed]))
  expect(lines.map(({ line, kind, isLive, hasId }) => [line, kind, isLive, hasId])).toEqual([
    [1, 'message', false, true],
    [2, 'message', true, true],
    [3, 'message', true, true],
    [4, 'remove', true, true],
    [5, 'message', true, false],
    [6, 'damage', undefined, undefined],
    [7, 'blank', undefined, undefined],
    [8, 'torn', undefined, undefined],
  ])
  expect(lines[0]).toMatchObject({ offset: 0, id: 'a', message: { content: 'one' } })
  expect(lines[5]?.reason).toBe('not JSON')
})
