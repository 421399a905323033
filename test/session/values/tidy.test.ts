import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Session } from '../../../src/index.js'
import type { StandIn } from '../../conformance/faults.js'
import { during, systemError } from '../../helpers/file-calls.js'
import { codeOf, contents, message, open, tempFolder, until } from '../../helpers/store.js'

const KB = 1024
const DAY = 24 * 60 * 60_000
const START = Date.parse('2026-11-21T07:00:00.000Z')

function sizeOf(session: Session): number {
  return fs.statSync(session.path).size
}

describe('superseded lines', () => {
  test.each<[string, (session: Session, text: string) => Promise<unknown>]>([
    ['of a value', (session, text) => session.setValue('session', text)],
    ['of a label', (session, text) => session.setMetadata('state', text)],
    ['of an updated value', (session, text) => session.updateValue('session', () => text)],
  ])('%s: 5,000 writes leave a log below 1 MB, while they run and behind', async (_, write) => {
    const session = (await open()).session('a')
    await session.append(message('hi'))
    for (let n = 0; n < 5_000; n++) {
      await write(session, `${n} ${'x'.repeat(650)}`)
      if (n % 500 === 0) expect(sizeOf(session)).toBeLessThan(1024 * KB)
    }
    expect(sizeOf(session)).toBeLessThan(1024 * KB)
    expect(await contents(session)).toEqual(['hi'])
  })

  test('of writes that no caller awaits go too', async () => {
    const store = await open()
    const session = store.session('a')
    await Promise.all(Array.from({ length: 3_000 }, (_, n) => session.setValue('x', `${n} ${'x'.repeat(650)}`)))
    await store.close()
    expect(sizeOf(session)).toBeLessThan(300 * KB)
    expect(await (await open(store.dir)).session('a').getValue('x')).toMatch(/^2999 /)
  })

  test('go in the background, and no other byte does: removed messages are still there', async () => {
    const store = await open()
    const session = store.session('a')
    await session.append([message('one'), message('two')])
    await session.removeLast()
    fs.appendFileSync(session.path, 'unreadable\n{"type":"note","text":"of another program"}\n')
    const before = fs.readFileSync(session.path, 'utf8')
    for (let n = 0; n < 60; n++) await session.setValue(`v${n % 3}`, `${n} ${'x'.repeat(10 * KB)}`)
    await until(() => sizeOf(session) < 290 * KB)
    expect(fs.readFileSync(session.path, 'utf8').startsWith(before)).toBe(true)
    expect((await session.removed()).map(({ message: removed }) => (removed as { content: string }).content)).toEqual([
      'two',
    ])
    expect(await session.getValue('v2')).toMatch(/^59 /)
  })

  test('and expired ones go; live ones, however many, are left in peace', async () => {
    let now = START
    const store = await open(tempFolder(), { now: () => now })
    const session = store.session('a')
    for (let n = 0; n < 1_000; n++) await session.setValue(`seen ${n}`, 'x'.repeat(KB), { expires: now + 60_000 })
    expect(sizeOf(session)).toBeGreaterThan(1000 * KB)
    now += 120_000
    for (let n = 0; n < 300; n++) await session.setValue(`new ${n}`, 'x'.repeat(KB))
    await store.close()
    expect(sizeOf(session)).toBeLessThan(600 * KB)
    const again = (await open(store.dir, { now: () => now })).session('a')
    expect(await again.check()).toMatchObject({ values: 300 })
  })

  test('that cannot be taken out are reported, and cost no value', async () => {
    const errors: unknown[] = []
    const store = await open(tempFolder(), { onError: (error) => errors.push(error) })
    const session = store.session('a')
    const failing: StandIn =
      (call) =>
      (...args) => {
        if (String(args[1]).endsWith('a.jsonl')) throw systemError('ENOSPC')
        return call(...args)
      }
    await during('rename', failing, async () => {
      for (let n = 0; n < 600; n++) await session.setValue('x', `${n} ${'x'.repeat(KB)}`)
      await until(() => errors.length > 0)
    })
    expect(await session.getValue('x')).toMatch(/^599 /)
    expect(await codeOf(Promise.reject(errors[0]))).toBe('ENOSPC')
    for (let n = 0; n < 600; n++) await session.setValue('x', `${n} ${'x'.repeat(KB)}`)
    await store.close()
    expect(sizeOf(session)).toBeLessThan(300 * KB)
  })

  test('go in a rewrite; the deletion of a name stays for 30 days', async () => {
    let now = START
    const store = await open(tempFolder(), { now: () => now })
    const session = store.session('a')
    await session.setValue('a', 1)
    await session.setValue('a', 2)
    await session.setValue('b', 1)
    await session.deleteValue('b')
    await session.setName('old')
    await session.setName('new')
    const kinds = () =>
      fs
        .readFileSync(session.path, 'utf8')
        .split('\n')
        .slice(1, -1)
        .map((line) => JSON.parse(line))
        .map(({ type, name, value, set }) => [type, name ?? set.name, ...(value === undefined ? [] : [value])])
    await session.rewrite()
    expect(kinds()).toEqual([
      ['value', 'a', 2],
      ['value', 'b'],
      ['meta', 'new'],
    ])
    expect(await session.rewrite()).toBeNull()
    now += 30 * DAY
    await session.rewrite()
    expect(kinds()).toEqual([
      ['value', 'a', 2],
      ['meta', 'new'],
    ])
  })
})

test('a session with a daily value and no message outlives a cleanup of 30 days, and so does one that is renamed', async () => {
  let now = START
  const store = await open(tempFolder(), { now: () => now })
  for (const key of ['value', 'renamed', 'idle']) await store.session(key).append(message('hi'))
  for (let day = 0; day < 40; day++) {
    now += DAY
    await store.session('value').setValue('state', day)
    if (day === 20) await store.session('renamed').setName('used')
  }
  expect((await store.cleanup({ olderThan: 30 * DAY })).removed).toEqual(['idle'])
  now += 31 * DAY
  expect((await store.cleanup({ olderThan: 30 * DAY })).removed.sort()).toEqual(['renamed', 'value'])
})
