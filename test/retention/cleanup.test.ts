import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { CleanupOptions } from '../../src/index.js'
import { internalsOf } from '../../src/store/store.js'
import { ended, RemoteStore } from '../helpers/child.js'
import { type Call, during, systemError } from '../helpers/file-calls.js'
import { bareLine, codeOf, contents, filesIn, fill, message, open, tempFolder } from '../helpers/store.js'

const HOUR = 3_600_000

/** A store whose clock the test moves. */
async function clocked() {
  const clock = { now: Date.parse('2026-11-25T10:00:00.000Z') }
  const folder = tempFolder()
  const store = await open(folder, { now: () => clock.now, lockTimeout: 300 })
  return { clock, folder, store }
}

describe('cleanup', () => {
  test('takes what was idle for longer, and nothing else', async () => {
    const { clock, store } = await clocked()
    await fill(store, 'old', ['1'])
    clock.now += 1
    await fill(store, 'edge', ['1'])
    clock.now += HOUR
    await fill(store, 'new', ['1'])
    expect(await store.cleanup({ olderThan: HOUR, dryRun: true })).toEqual({ removed: ['old'], failed: [] })
    expect(await store.keys()).toEqual(['edge', 'new', 'old'])
    expect(await store.cleanup({ olderThan: HOUR })).toEqual({ removed: ['old'], failed: [] })
    expect(await store.keys()).toEqual(['edge', 'new'])
    expect(await store.session('old').messages()).toEqual([])
    expect(await store.search('1')).toHaveLength(2)
    expect(await store.cleanup({ olderThan: Number.POSITIVE_INFINITY })).toEqual({ removed: [], failed: [] })
  })

  test.each<[string, unknown, typeof TypeError | typeof RangeError]>([
    ['nothing', undefined, TypeError],
    ['no age', {}, TypeError],
    ['a text', { olderThan: '5' }, TypeError],
    ['an unknown option', { olderThan: 5, dryrun: true }, TypeError],
    ['a number as dryRun', { olderThan: 5, dryRun: 1 }, TypeError],
    ['a negative age', { olderThan: -1 }, RangeError],
    ['NaN', { olderThan: Number.NaN }, RangeError],
  ])('refuses %s', async (_, options, kind) => {
    await expect((await open()).cleanup(options as CleanupOptions)).rejects.toThrow(kind)
  })

  test('leaves a session that a live process is running; takes one whose process is dead', async () => {
    const { clock, store, folder } = await clocked()
    for (const key of ['mine', 'alive', 'dead', 'idle']) await fill(store, key, ['1'])
    await store.session('mine').setState('running', 't')
    const [alive, dead] = await Promise.all([RemoteStore.open(folder), RemoteStore.open(folder)])
    await alive.call('setState', 'alive', 'running', 't')
    await dead.call('setState', 'dead', 'running', 't')
    dead.kill('SIGKILL')
    await ended(dead.child)
    clock.now += 1_000 * HOUR
    expect((await store.cleanup({ olderThan: HOUR })).removed.sort()).toEqual(['dead', 'idle'])
    alive.kill('SIGKILL')
    await ended(alive.child)
    expect((await store.cleanup({ olderThan: HOUR })).removed).toEqual(['alive'])
  })

  test('leaves a session that becomes active meanwhile', async () => {
    const { clock, store } = await clocked()
    for (const key of ['a', 'b', 'c']) await fill(store, key, ['1'])
    clock.now += 2 * HOUR
    const other = await open(store.dir, { now: () => clock.now })
    const active = (rename: Call) => (from: string, to: string) => {
      if (from.endsWith('a.jsonl'))
        fs.appendFileSync(`${store.dir}/b.jsonl`, `{"role":"user","at":"${new Date(clock.now).toISOString()}"}\n`)
      return rename(from, to)
    }
    expect((await during('rename', active, () => store.cleanup({ olderThan: HOUR }))).removed).toEqual(['a', 'c'])
    await other.session('c').append(message('2'))
    expect((await store.cleanup({ olderThan: HOUR })).removed).toEqual([])
    expect(await store.keys()).toEqual(['b', 'c'])
  })

  test('leaves what it cannot read', async () => {
    const { store, folder, clock } = await clocked()
    fs.writeFileSync(`${folder}/garbage.jsonl`, 'this is no log\nnot at all\n')
    fs.writeFileSync(`${folder}/binary.jsonl`, Buffer.from([0, 1, 2, 0xff, 0x0a, 0xfe]))
    for (const name of ['garbage', 'binary']) fs.utimesSync(`${folder}/${name}.jsonl`, 1, 1)
    await fill(store, 'old', ['1'])
    clock.now += 2 * HOUR
    expect((await store.cleanup({ olderThan: HOUR })).removed).toEqual(['old'])
    expect(fs.existsSync(`${folder}/garbage.jsonl`)).toBe(true)
    expect(fs.existsSync(`${folder}/binary.jsonl`)).toBe(true)
  })

  test('one that fails is reported, and does not stop the others', async () => {
    const { clock, store, folder } = await clocked()
    for (const key of ['a', 'b', 'c']) await fill(store, key, ['1'])
    clock.now += 2 * HOUR
    const fail = (rename: Call) => (from: string, to: string) => {
      if (from.endsWith('b.jsonl')) throw systemError('EIO')
      return rename(from, to)
    }
    const result = await during('rename', fail, () => store.cleanup({ olderThan: HOUR }))
    expect(result).toEqual({
      removed: ['a', 'c'],
      failed: [{ key: 'b', error: expect.objectContaining({ code: 'EIO' }) }],
    })
    expect(await contents(store.session('b'))).toEqual(['1'])
    await open(folder)
    expect(fs.readdirSync(`${folder}/.trash`)).toHaveLength(2)
  })

  test('one that another process holds is reported after a bounded wait', async () => {
    const { clock, store, folder } = await clocked()
    await fill(store, 'a', ['1'])
    await fill(store, 'b', ['1'])
    await store.close()
    const holder = await RemoteStore.open(folder)
    await holder.call('removeLast', 'a')
    holder.kill('SIGSTOP')
    // its removal counts as use, by the real clock
    clock.now = Math.max(clock.now, Date.now()) + 2 * HOUR
    const again = await open(folder, { now: () => clock.now, lockTimeout: 300 })
    const { removed, failed } = await again.cleanup({ olderThan: HOUR })
    expect(removed).toEqual(['b'])
    expect(failed).toMatchObject([{ key: 'a', error: { code: 'ERR_LOCKED' } }])
  })

  test('a clock that is a year off for a moment takes nothing by going back', async () => {
    const { clock, store } = await clocked()
    await fill(store, 'a', ['1'])
    clock.now -= 365 * 24 * HOUR
    await fill(store, 'b', ['1'])
    expect((await store.cleanup({ olderThan: 0 })).removed).toEqual([])
  })

  test('an empty session and one that other tools wrote go by the time of the file', async () => {
    const { store, folder } = await clocked()
    fs.writeFileSync(`${folder}/bare.jsonl`, bareLine('1'))
    fs.utimesSync(`${folder}/bare.jsonl`, 1, 1)
    expect((await store.cleanup({ olderThan: HOUR })).removed).toEqual(['bare'])
  })
})

describe('the trash', () => {
  test('keeps several lives of a key, and gives each back', async () => {
    const { clock, store } = await clocked()
    for (const key of ['a', 'An encoded key']) {
      const session = store.session(key)
      for (const life of ['first', 'second', 'third']) {
        await session.append([message(life), message(`more of ${life}`)])
        await session.setName(life)
        clock.now += 2 * HOUR
        expect((await store.cleanup({ olderThan: HOUR })).removed).toEqual([key])
        expect(await session.info()).toBe(null)
      }
      const lives = (await store.trash()).filter((entry) => entry.key === key)
      expect(lives).toHaveLength(3)
      expect(lives.map(({ at }) => at.getTime())).toEqual([clock.now, clock.now - 2 * HOUR, clock.now - 4 * HOUR])
      const created = clock.now - 4 * HOUR
      expect(await store.restore(lives[1]!.id)).toBe(key)
      expect(await contents(session)).toEqual(['second', 'more of second'])
      expect(await session.info()).toMatchObject({ name: 'second', messages: 2, createdAt: new Date(created) })
      expect(await codeOf(store.restore(lives[0]!.id))).toBe('ERR_SESSION_EXISTS')
      expect(await codeOf(store.restore(lives[1]!.id))).toBe('ERR_SESSION_NOT_FOUND')
      expect(await contents(session)).toEqual(['second', 'more of second'])
      await session.append(message('and on'))
      expect(await contents(await (await open(store.dir)).session(key))).toEqual(['second', 'more of second', 'and on'])
      await session.delete()
      expect(await store.restore(lives[0]!.id)).toBe(key)
      expect(await contents(session)).toEqual(['third', 'more of third'])
      await session.delete()
    }
    expect((await store.trash()).map(({ key }) => key)).toEqual(['An encoded key', 'a'])
  })

  test('a new life after cleanup starts clean', async () => {
    const { clock, store } = await clocked()
    const session = await fill(store, 'a', ['1'])
    await session.setName('n')
    await session.setState('error', 't')
    clock.now += 2 * HOUR
    await store.cleanup({ olderThan: HOUR })
    await session.append(message('new'))
    expect(await session.info()).toMatchObject({
      name: null,
      state: 'idle',
      turnId: null,
      messages: 1,
      createdAt: new Date(clock.now),
    })
  })

  test('strangers in it are left alone', async () => {
    const { store, folder } = await clocked()
    fs.mkdirSync(`${folder}/.trash/notes`, { recursive: true })
    fs.mkdirSync(`${folder}/.trash/a~019aa1b2-0000-7000-8000-000000000000`)
    fs.mkdirSync(`${folder}/.trash/b~019aa1b2-0000-7000-8000-000000000001`)
    fs.symlinkSync('/etc/passwd', `${folder}/.trash/b~019aa1b2-0000-7000-8000-000000000001/b.jsonl`)
    fs.writeFileSync(`${folder}/.trash/notes/x`, 'x')
    expect(await store.trash()).toEqual([])
    expect(await codeOf(store.restore('019aa1b2-0000-7000-8000-000000000000'))).toBe('ERR_SESSION_NOT_FOUND')
    expect(await codeOf(store.restore('../notes'))).toBe('ERR_SESSION_NOT_FOUND')
    await open(folder)
    expect(fs.existsSync(`${folder}/.trash/notes/x`)).toBe(true)
  })
})

describe('delete', () => {
  test('is for good: log, sidecar and quarantined lines', async () => {
    const { store, folder } = await clocked()
    const session = await fill(store, 'a', ['secret'])
    fs.appendFileSync(session.path, 'secret damage\n')
    await session.removeLast()
    await session.rewrite()
    await session.setState('running', 't')
    expect(filesIn(folder).some((name) => name.includes('.quarantine/a/'))).toBe(true)
    expect(await session.delete()).toBe(true)
    expect(await session.delete()).toBe(false)
    expect(filesIn(folder).filter((name) => name.includes('a'))).toEqual(['.quarantine'])
    expect(await session.info()).toBe(null)
    await session.append(message('new'))
    expect(await session.info()).toMatchObject({ messages: 1, state: 'idle' })
  })

  test('while other processes write: their next message begins a new life', async () => {
    const { store, folder } = await clocked()
    const session = await fill(store, 'a', ['1'])
    const remote = await RemoteStore.open(folder)
    await remote.append('a', '2')
    expect(await session.delete()).toBe(true)
    await remote.append('a', '3')
    expect(await contents(session)).toEqual(['3'])
    await session.append(message('4'))
    expect(await contents(session)).toEqual(['3', '4'])
  })

  test('at the same time as appends: each is before or after', async () => {
    const { store } = await clocked()
    const session = await fill(store, 'a', ['1'])
    const [, first, , second] = await Promise.all([
      session.append(message('2')),
      session.delete(),
      session.append(message('3')),
      session.delete(),
    ])
    expect(first).toBe(true)
    expect(await contents(session)).toEqual(second ? [] : ['3'])
    expect((await session.info())?.messages).toBe(second ? undefined : 1)
  })
})

test('a crash between the log and the sidecar leaves nothing that is adopted, and is swept', async () => {
  const { store, folder } = await clocked()
  const session = await fill(store, 'a', ['1'])
  await session.setState('running', 't')
  await session.setName('old')
  await internalsOf(store).log('a').writeSidecar()
  const sidecar = fs.readFileSync(session.sidecarPath)
  await session.delete()
  fs.writeFileSync(session.sidecarPath, sidecar)
  fs.mkdirSync(`${folder}/.quarantine/b`, { recursive: true })
  fs.writeFileSync(`${folder}/.quarantine/b/.0123456789abcdef.tmp`, 'half')
  await (await open(folder)).recover()
  expect(fs.existsSync(session.sidecarPath)).toBe(false)
  expect(filesIn(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
})
