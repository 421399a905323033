/** The tests of the upstream project and of its callers, by their names, where no numbered case covers them. */
import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import type { SessionMetadata, SessionQuery } from '../../../src/contracts/session-backend/index.js'
import { HOUR, SECOND } from '../clock.js'
import { assistant, type BackendCase, contents, found, given, keysOf, raw, texts, user } from './scene.js'

export const upstreamCases: BackendCase[] = [
  {
    name: 'upstream jsonl: round_trip_append_and_load, load_nonexistent_session_returns_empty',
    async run({ backend }) {
      await backend.append('telegram_user123', user('hello'))
      await backend.append('telegram_user123', assistant('hi there'))
      const messages = await backend.load('telegram_user123')
      assert.equal(messages.length, 2)
      assert.deepEqual(messages.map(given), [user('hello'), assistant('hi there')])
      assert.deepEqual(await backend.load('nonexistent'), [])
    },
  },
  {
    name: 'upstream jsonl: key_sanitization',
    async run({ backend }) {
      const key = 'slack/thread:123/user'
      await backend.append(key, user('test'))
      assert.deepEqual((await backend.load(key)).map(given), [user('test')])
      assert.deepEqual(await backend.listSessions(), [key])
    },
  },
  {
    name: 'upstream jsonl: restart_simulation',
    async run({ backend, reopen }) {
      await backend.append('discord_user456', user('remember this'))
      await backend.append('discord_user456', assistant('remembered'))
      await reopen()
      assert.deepEqual(await backend.listSessions(), ['discord_user456'])
      assert.deepEqual((await backend.load('discord_user456')).map(given), [
        user('remember this'),
        assistant('remembered'),
      ])
    },
  },
  {
    name: 'upstream jsonl: list_sessions_returns_keys',
    async run({ backend }) {
      await backend.append('telegram_alice', user('hi'))
      await backend.append('discord_bob', user('hey'))
      assert.deepEqual(await backend.listSessions(), ['discord_bob', 'telegram_alice'])
    },
  },
  {
    name: 'upstream jsonl: append_is_truly_append_only',
    only: 'fresh',
    async run({ backend, log }) {
      await backend.append('a', user('msg1'))
      await backend.append('a', user('msg2'))
      const lines = log('a')
        .lines()
        .map((line) => JSON.parse(line))
      assert.deepEqual(
        lines.map(({ type, content }) => type ?? content),
        ['session', 'msg1', 'msg2'],
      )
    },
  },
  {
    name: 'upstream jsonl: remove_last_drops_final_message',
    async run({ backend }) {
      await backend.append('a', user('first'))
      await backend.append('a', user('second'))
      assert.equal(await backend.removeLast('a'), true)
      assert.deepEqual((await backend.load('a')).map(given), [user('first')])
    },
  },
  {
    name: 'upstream jsonl: remove_last_empty_returns_false',
    async run({ backend }) {
      assert.equal(await backend.removeLast('nonexistent'), false)
      await backend.setSessionName('empty', 'named')
      assert.equal(await backend.removeLast('empty'), false)
    },
  },
  {
    name: 'upstream jsonl: compact_removes_corrupt_lines, handles_corrupt_lines_gracefully',
    async run({ backend, log }) {
      log('a').write('{"role":"user","content":"hello"}', 'this is not valid json', '{"role":"user","content":"world"}')
      assert.deepEqual(await texts(backend, 'a'), ['hello', 'world'])
      await backend.compact('a')
      assert.deepEqual((await backend.load('a')).map(given), [user('hello'), user('world')])
      assert.equal(log('a').lines().length, 2)
    },
  },
  {
    name: 'upstream jsonl: delete_session_removes_jsonl_file, delete_session_nonexistent_returns_false',
    async run({ backend, log }) {
      await backend.append('a', user('hello'))
      assert.equal(log('a').exists(), true)
      assert.equal(await backend.deleteSession('a'), true)
      assert.equal(log('a').exists(), false)
      assert.deepEqual(await backend.load('a'), [])
      assert.equal(await backend.deleteSession('nonexistent'), false)
    },
  },
  {
    name: 'upstream jsonl: session_exists_tracks_lifecycle',
    async run({ backend }) {
      assert.equal(await backend.getSessionMetadata('ghost'), null)
      await backend.append('ghost', user('boo'))
      assert.equal((await backend.getSessionMetadata('ghost'))?.key, 'ghost')
      await backend.deleteSession('ghost')
      assert.equal(await backend.getSessionMetadata('ghost'), null)
    },
  },
  {
    name: 'upstream jsonl: get_session_metadata',
    async run({ backend, clock }) {
      assert.equal(await backend.getSessionMetadata('a'), null)
      await backend.append('a', user('one'))
      await backend.append('a', assistant('two'))
      assert.deepEqual(await backend.getSessionMetadata('a'), {
        key: 'a',
        name: null,
        createdAt: clock.date,
        lastActivity: clock.date,
        messageCount: 2,
      })
    },
  },
  {
    name: 'upstream later: operations accept only regular .jsonl files',
    async run({ backend, log, dir, snapshot }) {
      const line = '{"role":"user","content":"hi"}\n'
      writeFileSync(`${dir}/file.jsonl`, line)
      mkdirSync(`${dir}/folder.jsonl`)
      writeFileSync(`${dir}/target.txt`, line)
      symlinkSync(`${dir}/target.txt`, `${dir}/link.jsonl`)
      symlinkSync(`${dir}/nowhere`, `${dir}/dangling.jsonl`)
      writeFileSync(`${dir}/notes.txt`, line)
      const before = snapshot()
      assert.deepEqual(await backend.listSessions(), ['file'])
      assert.deepEqual(keysOf(await backend.listSessionsWithMetadata()), ['file'])
      assert.deepEqual(contents(await backend.load('file')), ['hi'])
      for (const key of ['notes', 'notes.txt', 'target.txt']) {
        assert.deepEqual(await backend.load(key), [], key)
        assert.equal(await backend.deleteSession(key), false, key)
      }
      for (const key of ['folder', 'link', 'dangling']) {
        await assert.rejects(backend.load(key), { code: 'ERR_NOT_A_LOG' }, key)
        await assert.rejects(backend.deleteSession(key), { code: 'ERR_NOT_A_LOG' }, key)
        await assert.rejects(backend.append(key, user('x')), { code: 'ERR_NOT_A_LOG' }, key)
      }
      const after = snapshot()
      for (const name of Object.keys(before)) assert.equal(after[name], before[name], name)
      assert.equal(await backend.deleteSession('file'), true)
      assert.equal(log('file').exists(), false)
    },
  },
  {
    name: 'upstream later: missing history and invalid record are distinguished',
    async run({ backend, log }) {
      log('invalid').write('this is not valid json')
      assert.deepEqual(await backend.load('missing'), [])
      assert.deepEqual(await backend.load('invalid'), [])
      assert.equal(await backend.getSessionMetadata('missing'), null)
      assert.equal((await backend.getSessionMetadata('invalid'))?.messageCount, 0)
      assert.deepEqual(await backend.listSessions(), ['invalid'])
    },
  },
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
  {
    name: 'upstream trait: metadata is constructible, a query has defaults',
    async run({ backend, clock }) {
      for (let n = 0; n < 5; n++) await backend.append('a', user(n))
      const metadata: SessionMetadata = {
        key: 'a',
        name: null,
        createdAt: clock.date,
        lastActivity: clock.date,
        messageCount: 5,
      }
      const query: SessionQuery = {}
      assert.deepEqual(await backend.search(query), [metadata])
    },
  },
  {
    name: 'upstream callers: rollback of an orphan user turn',
    async run({ backend }) {
      await backend.append('a', user('question'))
      await backend.append('a', assistant('answer'))
      await backend.append('a', user('orphan'))
      assert.equal((await backend.load('a')).length, 3)
      assert.equal(await backend.removeLast('a'), true)
      assert.deepEqual((await backend.load('a')).map(given), [user('question'), assistant('answer')])
    },
  },
  {
    name: 'upstream callers: four concurrent persisters store in call order',
    async run({ backend }) {
      const persist = (n: number) => backend.append('a', user(`message ${n}`))
      await Promise.all([persist(1), persist(2), persist(3), persist(4)])
      assert.deepEqual(await texts(backend, 'a'), ['message 1', 'message 2', 'message 3', 'message 4'])
    },
  },
  {
    name: "upstream callers: whether a deleted session may come back is the caller's check",
    async run({ backend }) {
      await backend.append('a', user('old'))
      await backend.deleteSession('a')
      assert.equal(await backend.getSessionMetadata('a'), null)
      await backend.append('a', user('late'))
      assert.deepEqual(await texts(backend, 'a'), ['late'])
    },
  },
  {
    name: 'upstream later: metadata keep millisecond precision',
    async run({ backend, clock, reopen }) {
      const createdAt = clock.move(123)
      await backend.append('a', user('x'))
      const lastActivity = clock.move(456)
      await backend.append('a', user('y'))
      await reopen()
      const row = await backend.getSessionMetadata('a')
      assert.deepEqual([row?.createdAt, row?.lastActivity], [createdAt, lastActivity])
      assert.deepEqual([row?.createdAt.getMilliseconds(), row?.lastActivity.getMilliseconds()], [123, 579])
    },
  },
  {
    name: 'upstream later: a key of a chat service',
    async run({ backend, reopen }) {
      const key = 'matrix_@user:m.org||!room:m.org_$evt123:m.org_@user:m.org'
      await backend.append(key, user('hello'))
      await reopen()
      assert.deepEqual(await texts(backend, key), ['hello'])
      assert.deepEqual(await backend.listSessions(), [key])
      assert.equal(await backend.removeLast(key), true)
      assert.equal(await backend.deleteSession(key), true)
      assert.deepEqual(await backend.listSessions(), [])
    },
  },
]
