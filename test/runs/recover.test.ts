import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { thisProcess } from '../../src/disk/process-identity.js'
import type { CrashedRun, CrashLeft, RecoverOptions, RecoverReport, SessionStore } from '../../src/index.js'
import { internalsOf } from '../../src/store/store.js'
import { ended, RemoteStore } from '../helpers/child.js'
import { type Call, during, systemError } from '../helpers/file-calls.js'
import { contents, fill, message, open, SOAK, sleep, tempFolder, until } from '../helpers/store.js'

/** Sessions whose process was killed in the middle of a turn. */
async function crash(folder: string, keys: readonly string[]): Promise<void> {
  const remote = await RemoteStore.open(folder)
  for (const key of keys) {
    await remote.call('setState', key, 'running', `turn of ${key}`)
    await remote.append(key, 'hello?')
  }
  remote.kill('SIGKILL')
  await ended(remote.child)
}

const keysOf = (runs: readonly CrashedRun[]) => runs.map(({ key }) => key).sort()

async function statesOf(store: SessionStore): Promise<Record<string, string>> {
  return Object.fromEntries((await store.list()).map(({ key, state }) => [key, state]))
}

/** The turns that notes in the log name as interrupted. */
function notesIn(file: string): unknown[] {
  const lines = fs.readFileSync(file, 'utf8').trimEnd().split('\n')
  return lines.flatMap((line) => JSON.parse(line).set?.interrupted ?? [])
}

describe('a report', () => {
  test('names the turns that were cut off and how their conversations end, and changes nothing', async () => {
    const folder = tempFolder()
    const remote = await RemoteStore.open(folder)
    const store = await open(folder)
    const conversations: Record<string, object[]> = {
      asked: [{ role: 'user', content: 'hello?' }],
      answered: [
        { role: 'user', content: 'hello?' },
        { role: 'assistant', content: 'hi' },
      ],
      calling: [
        { role: 'user', content: 'list' },
        { role: 'assistant', content: null, toolCalls: [{ id: 't1' }, { id: 't2' }] },
        { role: 'tool', toolCallId: 't1', content: 'done' },
      ],
      empty: [],
    }
    for (const [key, messages] of Object.entries(conversations)) {
      await remote.call('setState', key, 'running', 't')
      if (messages.length > 0) await remote.call('append', key, messages)
    }
    await store.session('alive').setState('running', 't')
    await fill(store, 'idle', ['never answered'])
    expect((await store.recover()).runs).toEqual([])
    remote.kill('SIGKILL')
    await ended(remote.child)
    fs.appendFileSync(store.session('idle').path, '{"role":"us')
    const before = await statesOf(store)
    const { runs, tornTails, failed } = await store.recover()
    const found = Object.fromEntries(runs.map((run) => [run.key, run]))
    expect(Object.keys(found).sort()).toEqual(['answered', 'asked', 'calling', 'empty'])
    expect(found.asked).toMatchObject({
      turnId: 't',
      reason: 'owner-dead',
      owner: { pid: remote.child.pid, liveness: 'dead' },
      unanswered: true,
      openToolCalls: [],
      ended: null,
    })
    expect(found.answered).toMatchObject({ unanswered: false, openToolCalls: [] })
    expect(found.calling).toMatchObject({ unanswered: false, openToolCalls: ['t2'] })
    expect(found.empty).toMatchObject({ unanswered: false, openToolCalls: [] })
    expect(tornTails).toEqual([{ key: 'idle', offset: expect.any(Number), length: 11 }])
    expect(failed).toEqual([])
    expect(await statesOf(store)).toEqual(before)
    expect((await store.recover({ keys: ['asked', 'idle'] })).runs).toHaveLength(1)
  })

  test('is made at open, for every caller, with what was removed', async () => {
    const folder = tempFolder()
    await crash(folder, ['a'])
    fs.writeFileSync(path.join(folder, '.b.0123456789abcdef.tmp'), 'half')
    const orphan = path.join(folder, 'orphan.meta.json')
    const former = await open(tempFolder())
    await (await fill(former, 'orphan', ['1'])).setState('idle')
    await former.close()
    fs.copyFileSync(former.session('orphan').sidecarPath, orphan)
    const left: CrashLeft[] = []
    const store = await open(folder, { onCrash: (report) => left.push(report) })
    expect(left).toHaveLength(1)
    expect(left[0]!.runs).toMatchObject([{ key: 'a', reason: 'owner-dead', unanswered: true, ended: null }])
    expect([...(await store.recover()).swept].sort()).toEqual(['.b.0123456789abcdef.tmp', 'orphan.meta.json'])
    expect(left[1]!.runs).toEqual([])
    expect([...left[1]!.swept].sort()).toEqual(['.b.0123456789abcdef.tmp', 'orphan.meta.json'])
    expect((await store.session('a').state())?.state).toBe('running')
    await store.recover({ action: 'error' })
    await open(folder, { onCrash: (report) => left.push(report) })
    expect(left).toHaveLength(2)
  })
})

describe('an action', () => {
  test('error ends a run in state error and keeps its turn', async () => {
    const folder = tempFolder()
    await crash(folder, ['a'])
    const store = await open(folder)
    const bytes = fs.readFileSync(store.session('a').path)
    expect((await store.recover({ action: 'error' })).runs).toMatchObject([{ key: 'a', ended: 'error' }])
    expect(await store.session('a').state()).toMatchObject({ state: 'error', turnId: 'turn of a' })
    expect(fs.readFileSync(store.session('a').path)).toEqual(bytes)
    expect(await store.running()).toEqual([])
    expect((await store.recover({ action: 'error' })).runs).toEqual([])
  })

  test('interrupt leaves a note in the log that no reader takes for a message', async () => {
    const folder = tempFolder()
    await crash(folder, ['a'])
    const store = await open(folder)
    const session = store.session('a')
    const { lastActivity } = (await session.info())!
    const { since } = (await store.recover()).runs[0]!
    expect((await store.recover({ action: 'interrupt' })).runs).toMatchObject([{ key: 'a', ended: 'interrupt' }])
    expect(await session.state()).toMatchObject({ state: 'idle', turnId: null })
    const note = { turnId: 'turn of a', since: since.toISOString(), reason: 'owner-dead' }
    expect(notesIn(session.path)).toEqual([note])
    expect(await contents(session)).toEqual(['hello?'])
    expect((await session.info())!.lastActivity).toEqual(lastActivity)
    await session.append(message('2'))
    await session.removeLast()
    await session.rewrite()
    expect(notesIn(session.path)).toEqual([note])
  })

  test('a function decides, while this process owns the run', async () => {
    const folder = tempFolder()
    await crash(folder, ['to error', 'to idle', 'to note', 'throws', 'by hand'])
    const store = await open(folder)
    const seen: unknown[] = []
    const { runs, failed } = await store.recover({
      action: async ({ key, turnId, unanswered }) => {
        const [running] = (await store.running()).filter((one) => one.key === key)
        seen.push([key, turnId, unanswered, running?.owner.pid === process.pid])
        if (key === 'throws') throw new Error('no')
        if (key === 'by hand') await store.session(key).setState('error', turnId)
        return key === 'to error' ? 'error' : key === 'to note' ? 'interrupt' : undefined
      },
    })
    expect(seen).toHaveLength(5)
    expect(seen).toContainEqual(['to idle', 'turn of to idle', true, true])
    expect(Object.fromEntries(runs.map(({ key, ended }) => [key, ended]))).toEqual({
      'to error': 'error',
      'to idle': 'idle',
      'to note': 'interrupt',
      throws: 'error',
      'by hand': null,
    })
    expect(failed).toMatchObject([{ key: 'throws', error: { message: 'no' } }])
    expect(await statesOf(store)).toEqual({
      'to error': 'error',
      'to idle': 'idle',
      'to note': 'idle',
      throws: 'error',
      'by hand': 'error',
    })
    expect(notesIn(store.session('to note').path)).toHaveLength(1)
  })

  test('is seen by watchers as recovered', async () => {
    const folder = tempFolder()
    await crash(folder, ['a', 'b'])
    const store = await open(folder)
    const watcher = store.watch()
    const told: string[] = []
    watcher.on('stuck', ({ key, reason }) => told.push(`stuck ${key} ${reason}`))
    watcher.on('recovered', ({ key, reason, state }) => told.push(`recovered ${key} ${reason} ${state}`))
    watcher.on('finished', ({ key }) => told.push(`finished ${key}`))
    await until(() => told.length === 2)
    await (await open(folder)).recover({ keys: ['a'], action: 'error' })
    await store.recover({ keys: ['b'], action: () => 'idle' })
    await until(() => told.length === 4)
    expect(told.slice(2).sort()).toEqual(['recovered a owner-dead error', 'recovered b owner-dead idle'])
  })

  test('is not done to a session whose process is alive or stopped, or that another process runs already', async () => {
    const folder = tempFolder()
    const remote = await RemoteStore.open(folder)
    await remote.call('setState', 'stopped', 'running', 't')
    remote.kill('SIGSTOP')
    await crash(folder, ['again'])
    const store = await open(folder)
    await store.session('again').setState('running', 'another')
    expect((await store.recover({ action: 'error' })).runs).toEqual([])
    expect(await statesOf(store)).toEqual({ again: 'running', stopped: 'running' })
  })

  test.each<[string, unknown, typeof TypeError | typeof RangeError]>([
    ['no object', 'error', TypeError],
    ['an unknown option', { dryRun: true }, TypeError],
    ['an unknown action', { action: 'resume' }, TypeError],
    ['a key that is none', { keys: [5] }, TypeError],
    ['a negative silence', { silentAfterMs: -1 }, RangeError],
  ])('refuses %s', async (_, options, kind) => {
    await expect((await open()).recover(options as RecoverOptions)).rejects.toThrow(kind)
  })
})

describe('an owner that cannot be seen', () => {
  test('is left alone while it may be alive, and counts as dead when it stays silent', async () => {
    const folder = tempFolder()
    await crash(folder, ['a'])
    // as if its process ran on another host
    const [name] = fs.readdirSync(path.join(folder, '.running'))
    const file = path.join(folder, '.running', name!)
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(/"boot":"[^"]*"/, '"boot":"another-kernel"'))
    const store = await open(folder)
    expect((await store.recover({ action: 'error' })).runs).toEqual([])
    const anHourAgo = Date.now() / 1_000 - 3_600
    fs.utimesSync(file, anHourAgo, anHourAgo)
    const beating = setInterval(() => fs.appendFileSync(file, '\n'), 1_000)
    expect((await store.recover({ action: 'error' })).runs).toEqual([])
    clearInterval(beating)
    fs.utimesSync(file, anHourAgo, anHourAgo)
    expect((await store.recover({ action: 'error' })).runs).toMatchObject([{ key: 'a', reason: 'heartbeat-lost' }])
    expect(await store.session('a').state()).toMatchObject({ state: 'error' })
  })
})

describe('racing recoverers', () => {
  test('each run is acted on exactly once (200 rounds in the long form)', async () => {
    const folder = tempFolder()
    const recoverers = await Promise.all(Array.from({ length: 4 }, () => RemoteStore.open(folder)))
    const store = await open(folder)
    const rounds = SOAK ? 200 : 3
    const keys = ['a', 'b', 'c', 'An odd key']
    for (let round = 0; round < rounds; round++) {
      await crash(folder, keys)
      const file = path.join(folder, `calls-${round}.txt`)
      fs.writeFileSync(file, '')
      const way = (['error', 'interrupt', 'call'] as const)[round % 3]!
      const reports = await Promise.all(
        recoverers.map(
          (one): Promise<RecoverReport> =>
            way === 'call' ? one.call('recoverSlowly', file, 5) : one.call('recover', { action: way }),
        ),
      )
      const acted = reports.flatMap(({ runs }) => runs)
      expect(keysOf(acted), `round ${round}`).toEqual([...keys].sort())
      expect(reports.flatMap(({ failed }) => failed)).toEqual([])
      if (way === 'call') {
        expect(fs.readFileSync(file, 'utf8').trimEnd().split('\n').sort()).toEqual([...keys].sort())
      }
      expect(new Set(Object.values(await statesOf(store)))).toEqual(new Set([way === 'error' ? 'error' : 'idle']))
    }
    const interrupts = Math.floor((rounds + 1) / 3)
    for (const key of keys) expect(notesIn(store.session(key).path)).toHaveLength(interrupts)
  }, 600_000)

  test('a sweep leaves the run log of a dead process while its turn is only claimed', async () => {
    const folder = tempFolder()
    await crash(folder, ['a'])
    const store = await open(folder)
    const { runs } = internalsOf(store).context
    runs.refresh()
    const [dead] = [...runs.others].flatMap(({ fold }) => [...fold.statements.values()])
    // a recoverer that meets another one takes its claim back
    const claim = { ...dead!, file: runs.own.name, run: { ...dead!.run, owner: thisProcess(), n: 2 } }
    runs.record(claim)
    await open(folder)
    runs.withdraw(claim)
    expect((await store.recover({ action: 'error' })).runs).toMatchObject([
      { key: 'a', turnId: 'turn of a', ended: 'error' },
    ])
  })

  test('one that dies in the middle is itself recovered', async () => {
    const folder = tempFolder()
    await crash(folder, ['a'])
    const file = path.join(folder, 'calls.txt')
    const first = await RemoteStore.open(folder)
    const never = first.call('recoverSlowly', file, 60_000).catch(() => {})
    await until(() => fs.existsSync(file))
    const store = await open(folder)
    expect((await store.recover({ action: 'error' })).runs).toEqual([])
    first.kill('SIGKILL')
    await never
    const second = await RemoteStore.open(folder)
    const { runs } = await second.call('recoverSlowly', file, 1)
    expect(runs).toMatchObject([{ key: 'a', ended: 'idle', turnId: 'turn of a' }])
    expect(fs.readFileSync(file, 'utf8')).toBe('a\na\n')
    expect((await store.recover({ action: 'error' })).runs).toEqual([])
  })

  test('one that dies between its note and the state leaves one note in the end', async () => {
    const folder = tempFolder()
    await crash(folder, ['a'])
    const store = await open(folder)
    const session = store.session('a')
    const remote = await RemoteStore.open(folder)
    await remote.call('recoverAndDie').catch(() => {})
    await ended(remote.child)
    expect(notesIn(session.path)).toHaveLength(1)
    expect((await session.state())?.state).toBe('running')
    await sleep(5)
    expect((await store.recover({ action: 'interrupt' })).runs).toMatchObject([{ ended: 'interrupt' }])
    expect(notesIn(session.path)).toHaveLength(1)
    expect((await session.state())?.state).toBe('idle')
  })
})

test('a sidecar that cannot be written is reported, and the turn is ended all the same', async () => {
  const folder = tempFolder()
  await crash(folder, ['a'])
  const errors: unknown[] = []
  const store = await open(folder, { onError: (error) => errors.push(error) })
  const failing =
    (rename: Call) =>
    (...args: unknown[]) => {
      if (String(args[1]).endsWith('.meta.json')) throw systemError('EIO')
      return rename(...args)
    }
  const report = await during('rename', failing, () => store.recover({ action: 'error' }))
  expect(report.failed).toEqual([])
  expect(report.runs).toMatchObject([{ key: 'a', ended: 'error' }])
  expect(errors).toMatchObject([{ code: 'EIO' }])
  expect(await statesOf(store)).toEqual({ a: 'error' })
})
