/** What the tests of the upstream's JSONL store ask for, by their names, where no numbered case says it already. */
import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { assistant, type BackendCase, contents, given, keysOf, texts, user } from './scene.js'

export const upstreamJsonlCases: BackendCase[] = [
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
      for (const key of ['folder', 'link', 'dangling', 'notes', 'notes.txt', 'target.txt']) {
        assert.deepEqual(await backend.load(key), [], key)
        assert.equal(await backend.deleteSession(key), false, key)
      }
      for (const key of ['folder', 'link', 'dangling']) {
        await assert.rejects(backend.append(key, user('x')), Error, key)
      }
      const after = snapshot()
      for (const name of Object.keys(before)) assert.equal(after[name], before[name], name)
      assert.equal(await backend.deleteSession('file'), true)
      assert.equal(log('file').exists(), false)
    },
  },
  {
    name: 'upstream later: missing history and invalid record are told apart',
    async run({ backend, log }) {
      log('invalid').write('this is not valid json')
      assert.deepEqual(await backend.load('missing'), [])
      assert.deepEqual(await backend.load('invalid'), [])
      assert.equal(await backend.getSessionMetadata('missing'), null)
      assert.equal((await backend.getSessionMetadata('invalid'))?.messageCount, 0)
      assert.deepEqual(await backend.listSessions(), ['invalid'])
    },
  },
]
