/** What is beside the log may be lost: every answer but the run state comes from the log. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import type { SessionBackend } from '../../../src/contracts/session-backend/index.js'
import { HOUR } from '../clock.js'
import { type BackendCase, type BackendScene, keysOf, raw, user } from './scene.js'

/** One session of every sort. */
async function fill({ backend, log, clock }: BackendScene): Promise<void> {
  await backend.append('plain', user('plain needle'))
  await backend.append('plain', { ...user('own fields'), id: 'm1', at: 7, type: 'note' })
  await backend.setSessionName('plain', 'plain name')
  clock.move(HOUR)
  await backend.append('plain', user('removed thread'))
  await backend.removeLast('plain')
  await backend.append('a/b', user('odd key needle'))
  clock.move(1)
  await backend.append('a:b', user('odd key'))
  await backend.setSessionName('only named', 'named')
  await backend.append('gone', user('deleted needle'))
  await backend.deleteSession('gone')
  log('mixed').write(
    raw.header('mixed', clock.move(1)),
    raw.message('r1', clock.date, 'mixed needle'),
    raw.message('r2', clock.date, 'two'),
    raw.message('r1', clock.date, 'mixed needle'),
    raw.message('r2', clock.date, 'another two'),
    'damage',
    { role: 'user', content: 'no id', at: clock.iso },
    raw.compaction('c1', clock.move(1), 'summary', 'r1'),
    raw.meta('l1', clock.date, { name: 'mixed name', todo: 'x' }),
    raw.remove('x1', clock.date, ['r9', 'r1']),
  )
  log('mixed').addBytes('{"role":"user","content":"to')
  log('bare').write('{"role":"user","content":"bare needle"}', '{"role":"user","content":"bare needle"}')
  log('bare').touch(clock.date)
  log('empty').write()
  log('empty').touch(clock.date)
}

/** What every read returns, except the run state. */
async function answers(backend: SessionBackend): Promise<unknown[]> {
  const keys = await backend.listSessions()
  assert.deepEqual(keys, ['a/b', 'a:b', 'bare', 'empty', 'mixed', 'only named', 'plain'])
  const all: unknown[] = [await backend.listSessionsWithMetadata(), await backend.search()]
  for (const keyword of ['needle', 'needle two', 'thread', 'deleted', 'summary', '"odd key"']) {
    all.push(keysOf(await backend.search({ keyword })))
  }
  for (const key of [...keys, 'gone']) {
    all.push(await backend.load(key), await backend.getSessionMetadata(key), await backend.getSessionName(key))
  }
  return all
}

async function stateOfAll(backend: SessionBackend): Promise<unknown> {
  const states: Record<string, unknown> = {}
  for (const key of await backend.listSessions()) states[key] = await backend.getSessionState(key)
  return { states, running: await backend.listRunningSessions(), stuck: await backend.listStuckSessions(0) }
}

function sidecarsIn(dir: string): string[] {
  const names = fs.readdirSync(dir).filter((name) => name.endsWith('.meta.json'))
  assert.notDeepEqual(names, [], 'there is a sidecar')
  return names.map((name) => path.join(dir, name))
}

const LOSSES: ReadonlyArray<[what: string, lose: (file: string) => void]> = [
  ['deleted', (file) => fs.rmSync(file)],
  ['emptied', (file) => fs.truncateSync(file)],
  ['overwritten with garbage', (file) => fs.writeFileSync(file, 'gar{bage\0')],
  ['overwritten with bytes', (file) => fs.writeFileSync(file, Buffer.from([0xff, 0xfe, 0, 0x80]))],
  ['cut in half', (file) => fs.truncateSync(file, Math.floor(fs.statSync(file).size / 2))],
  ['filled with NUL', (file) => fs.writeFileSync(file, Buffer.alloc(fs.statSync(file).size))],
  ...['null', '[]', '{}', '42', '{"version":1,"summary":5,"state":"running","messages":99}'].map(
    (json): [string, (file: string) => void] => [`replaced by ${json}`, (file) => fs.writeFileSync(file, json)],
  ),
]

export const sidecarCases: BackendCase[] = [
  {
    name: 'case 46: reopened',
    async run(scene) {
      const { backend, clock, reopen } = scene
      await fill(scene)
      await backend.setSessionState('a/b', 'running', 'turn-1')
      await backend.setSessionState('plain', 'error', 'turn-2')
      clock.move(HOUR)
      const before = await answers(backend)
      const states = await stateOfAll(backend)
      assert.deepEqual(keysOf(await backend.listRunningSessions()), ['a/b'])
      await reopen()
      assert.deepEqual(await answers(backend), before)
      assert.deepEqual(await stateOfAll(backend), states)
    },
  },
  ...LOSSES.map(([what, lose]): BackendCase => {
    return {
      name: `case 46: sidecars ${what}`,
      async run(scene) {
        const { backend, clock, dir, reopen } = scene
        await fill(scene)
        await backend.setSessionState('a/b', 'running', 'turn-1')
        await backend.setSessionState('plain', 'error', 'turn-2')
        clock.move(HOUR)
        const before = await answers(backend)
        assert.equal((await backend.getSessionState('a/b'))?.turnId, 'turn-1')
        await reopen(() => sidecarsIn(dir).forEach(lose))
        assert.deepEqual(await answers(backend), before)
        for (const key of await backend.listSessions()) {
          assert.deepEqual(
            await backend.getSessionState(key),
            { state: 'idle', turnId: null, turnStartedAt: null },
            key,
          )
        }
        assert.deepEqual(await backend.listRunningSessions(), [])
        assert.deepEqual(await backend.listStuckSessions(0), [])
      },
    }
  }),
  {
    name: 'sidecars older than the log',
    async run(scene) {
      const { backend, clock, dir, log, reopen } = scene
      await fill(scene)
      const old = new Map<string, Buffer>()
      await answers(backend)
      await reopen(() => {
        for (const file of sidecarsIn(dir)) old.set(file, fs.readFileSync(file))
      })
      clock.move(HOUR)
      await backend.append('a/b', user('new'))
      await backend.removeLast('plain')
      await backend.setSessionName('plain', 'new name')
      await backend.removeLast('mixed')
      await backend.compact('mixed')
      log('bare').add(raw.message('r1', clock.date, 'by hand'))
      log('bare').touch(clock.date)
      const before = await answers(backend)
      await reopen(() => {
        for (const [file, bytes] of old) fs.writeFileSync(file, bytes)
      })
      assert.deepEqual(await answers(backend), before)
    },
  },
  {
    name: 'a sidecar that is lost while the store is open',
    async run({ backend, dir, reopen }) {
      await backend.append('a', user('x'))
      await backend.setSessionName('a', 'named')
      await backend.setSessionState('a', 'running', 'turn-1')
      await reopen()
      const before = await backend.listSessionsWithMetadata()
      for (const file of sidecarsIn(dir)) fs.rmSync(file)
      assert.deepEqual(await backend.listSessionsWithMetadata(), before)
      assert.equal(await backend.getSessionName('a'), 'named')
      await backend.append('a', user('y'))
      assert.equal((await backend.getSessionMetadata('a'))?.messageCount, 2)
    },
  },
  {
    name: 'a log that an editor or git replaced is read again, with any sidecar',
    async run({ backend, log, clock, reopen }) {
      await backend.append('a', user('one'))
      await backend.append('a', user('two'))
      await backend.setSessionName('a', 'named')
      await reopen()
      const replace = (...lines: object[]) => {
        fs.rmSync(log('a').file)
        log('a').write(...lines)
      }
      replace(raw.header('a', clock.date), raw.message('r1', clock.date, 'another one'))
      assert.deepEqual(
        (await backend.load('a')).map(({ content }) => content),
        ['another one'],
      )
      assert.deepEqual(await backend.listSessionsWithMetadata(), [
        { key: 'a', name: null, createdAt: clock.date, lastActivity: clock.date, messageCount: 1 },
      ])
      await backend.append('a', user('three'))
      assert.equal((await backend.getSessionMetadata('a'))?.messageCount, 2)
    },
  },
]
