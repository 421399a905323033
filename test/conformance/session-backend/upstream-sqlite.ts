/** What the tests of the upstream's SQLite store ask for, by their names, where no numbered case says it already. */
import assert from 'node:assert/strict'
import { HOUR, SECOND } from '../clock.js'
import { assistant, type BackendCase, found, given, keysOf, raw, texts, user } from './scene.js'

export const upstreamSqliteCases: BackendCase[] = [
  {
    name: 'upstream sqlite: round_trip, remove_last, list_sessions',
    async run({ backend }) {
      await backend.append('user1', user('a'))
      await backend.append('user1', assistant('b'))
      assert.deepEqual((await backend.load('user1')).map(given), [user('a'), assistant('b')])
      assert.equal(await backend.removeLast('user1'), true)
      assert.deepEqual(await texts(backend, 'user1'), ['a'])
      await backend.append('user2', user('c'))
      assert.equal((await backend.listSessions()).length, 2)
    },
  },
  {
    name: 'upstream sqlite: metadata_tracks_counts',
    async run({ backend }) {
      for (const text of ['one', 'two', 'three']) await backend.append('a', user(text))
      const rows = await backend.listSessionsWithMetadata()
      assert.deepEqual(
        rows.map(({ key, messageCount }) => [key, messageCount]),
        [['a', 3]],
      )
    },
  },
  {
    name: 'upstream sqlite: the search index follows changes',
    async run({ backend }) {
      await backend.append('a', user('old text'))
      assert.deepEqual(await found(backend, 'old'), ['a'])
      await backend.removeLast('a')
      await backend.append('a', user('new text'))
      assert.deepEqual(await found(backend, 'old'), [])
      assert.deepEqual(await found(backend, 'new'), ['a'])
      await backend.deleteSession('a')
      assert.deepEqual(await found(backend, 'new'), [])
    },
  },
  {
    name: 'upstream sqlite: cleanup_stale_removes_old_sessions',
    async run({ backend, clock }) {
      await backend.append('old_session', user('old'))
      clock.move(100 * HOUR)
      await backend.append('new_session', user('new'))
      assert.equal(await backend.cleanupStale(48), 1)
      assert.deepEqual(await backend.listSessions(), ['new_session'])
    },
  },
  {
    name: 'upstream sqlite: delete_session_removes_all_data',
    async run({ backend }) {
      await backend.append('a', user('hello'))
      await backend.append('a', assistant('hi'))
      await backend.setSessionName('a', 'named')
      assert.equal(await backend.deleteSession('a'), true)
      assert.deepEqual(await backend.load('a'), [])
      assert.deepEqual(await backend.listSessionsWithMetadata(), [])
      assert.equal(await backend.getSessionName('a'), null)
      assert.deepEqual(await found(backend, 'hello'), [])
    },
  },
  {
    name: 'upstream sqlite: set_session_name_persists, set_session_name_updates_existing, empty_name_clears',
    async run({ backend, reopen }) {
      await backend.append('a', user('x'))
      await backend.setSessionName('a', 'My Session')
      await reopen()
      assert.equal((await backend.listSessionsWithMetadata())[0]?.name, 'My Session')
      await backend.setSessionName('a', 'Second')
      await reopen()
      assert.equal((await backend.listSessionsWithMetadata())[0]?.name, 'Second')
      await backend.setSessionName('a', '')
      await reopen()
      assert.equal((await backend.listSessionsWithMetadata())[0]?.name, null)
    },
  },
  {
    name: 'upstream sqlite: sessions_without_name',
    async run({ backend }) {
      await backend.append('a', user('x'))
      assert.equal(await backend.getSessionName('a'), null)
      assert.deepEqual(
        (await backend.listSessionsWithMetadata()).map(({ name }) => name),
        [null],
      )
    },
  },
  {
    name: 'upstream sqlite: idle_to_running, running_to_idle, running_to_error',
    async run({ backend, clock }) {
      await backend.append('a', user('x'))
      assert.equal((await backend.getSessionState('a'))?.state, 'idle')
      const start = clock.move(SECOND)
      await backend.setSessionState('a', 'running', 'turn-1')
      assert.deepEqual(await backend.getSessionState('a'), { state: 'running', turnId: 'turn-1', turnStartedAt: start })
      await backend.setSessionState('a', 'idle')
      assert.equal((await backend.getSessionState('a'))?.state, 'idle')
      assert.equal((await backend.getSessionState('a'))?.turnId, null)
      await backend.setSessionState('a', 'running', 'turn-1')
      await backend.setSessionState('a', 'error', 'turn-1')
      assert.equal((await backend.getSessionState('a'))?.state, 'error')
      assert.equal((await backend.getSessionState('a'))?.turnId, 'turn-1')
    },
  },
  {
    name: 'upstream sqlite: list_running_sessions',
    async run({ backend }) {
      for (const key of ['s1', 's2', 's3']) await backend.append(key, user('x'))
      await backend.setSessionState('s1', 'running', 'turn-1')
      await backend.setSessionState('s3', 'running', 'turn-3')
      assert.deepEqual(keysOf(await backend.listRunningSessions()), ['s1', 's3'])
    },
  },
  {
    name: 'upstream sqlite: list_stuck_sessions_detects_old_running',
    async run({ backend, clock }) {
      await backend.append('s1', user('x'))
      await backend.setSessionState('s1', 'running', 'turn-1')
      clock.move(600 * SECOND)
      await backend.append('s2', user('x'))
      await backend.setSessionState('s2', 'running', 'turn-2')
      assert.deepEqual(keysOf(await backend.listStuckSessions(300)), ['s1'])
      assert.deepEqual(await backend.listStuckSessions(900), [])
    },
  },
  {
    name: 'upstream sqlite: the state of a nonexistent session; idle after reopening an old store',
    async run({ backend, log, clock, reopen }) {
      assert.equal(await backend.getSessionState('nonexistent'), null)
      await reopen(() => log('old').write(raw.header('old', clock.date), raw.message('r1', clock.date, 'x')))
      assert.deepEqual(await backend.getSessionState('old'), { state: 'idle', turnId: null, turnStartedAt: null })
      assert.deepEqual(await backend.listRunningSessions(), [])
    },
  },
  {
    name: 'upstream sqlite: get_session_metadata_matches_list',
    async run({ backend, clock }) {
      const createdAt = clock.date
      await backend.append('a', user('one'))
      const lastActivity = clock.move(1234)
      await backend.append('a', user('two'))
      await backend.setSessionName('a', 'named')
      const row = { key: 'a', name: 'named', createdAt, lastActivity, messageCount: 2 }
      assert.deepEqual(await backend.listSessionsWithMetadata(), [row])
      assert.deepEqual(await backend.getSessionMetadata('a'), row)
    },
  },
]
