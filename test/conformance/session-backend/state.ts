/** setSessionState and getSessionState. */
import assert from 'node:assert/strict'
import type { SessionBackend, SessionState, SessionStateName } from '../../../src/contracts/session-backend/index.js'
import { HOUR, SECOND } from '../clock.js'
import { rejectsWithCode } from '../expect.js'
import { type BackendCase, texts, user } from './scene.js'

const NEVER_SET: SessionState = { state: 'idle', turnId: null, turnStartedAt: null }

async function stateIs(
  backend: SessionBackend,
  state: SessionStateName,
  turnId: string | null,
  turnStartedAt: Date | null,
): Promise<void> {
  assert.deepEqual(await backend.getSessionState('a'), { state, turnId, turnStartedAt })
}

export const stateCases: BackendCase[] = [
  {
    name: 'case 41: two turns; the log never changes',
    async run({ backend, clock, log }) {
      await backend.append('a', user('x'))
      const before = log('a').bytes()
      const { mtimeMs } = log('a')
      assert.deepEqual(await backend.getSessionState('a'), NEVER_SET)
      const t1 = clock.move(SECOND)
      await backend.setSessionState('a', 'running', 'turn-1')
      await stateIs(backend, 'running', 'turn-1', t1)
      const t2 = clock.move(SECOND)
      await backend.setSessionState('a', 'idle', null)
      await stateIs(backend, 'idle', null, t2)
      const t3 = clock.move(SECOND)
      await backend.setSessionState('a', 'running', 'turn-2')
      await stateIs(backend, 'running', 'turn-2', t3)
      const t4 = clock.move(SECOND)
      await backend.setSessionState('a', 'error')
      await stateIs(backend, 'error', 'turn-2', t4)
      assert.deepEqual(log('a').bytes(), before)
      assert.equal(log('a').mtimeMs, mtimeMs)
    },
  },
  {
    name: 'case 42: no such state, no such turn; a foreign turn cannot end a turn',
    async run({ backend, clock }) {
      await backend.append('a', user('x'))
      await assert.rejects(backend.setSessionState('a', 'banana' as SessionStateName), TypeError)
      await assert.rejects(backend.setSessionState('a', 'running', 5 as unknown as string), TypeError)
      assert.deepEqual(await backend.getSessionState('a'), NEVER_SET)
      const t1 = clock.move(SECOND)
      await backend.setSessionState('a', 'running', 'A')
      clock.move(SECOND)
      const details = { running: 'A', given: 'B' }
      await rejectsWithCode(backend.setSessionState('a', 'idle', 'B'), 'ERR_TURN_MISMATCH', details)
      await rejectsWithCode(backend.setSessionState('a', 'error', 'B'), 'ERR_TURN_MISMATCH', details)
      await stateIs(backend, 'running', 'A', t1)
      await backend.setSessionState('a', 'idle', 'A')
      await stateIs(backend, 'idle', null, clock.date)
    },
  },
  {
    name: 'wrong types change nothing and make no session',
    async run({ backend, clock, snapshot, reopen }) {
      await backend.append('a', user('x'))
      await backend.setSessionState('a', 'running', 'A')
      await reopen()
      const before = snapshot()
      clock.move(SECOND)
      for (const state of ['', 'Running', 'constructor', null, undefined, 1, ['idle'], {}]) {
        await assert.rejects(backend.setSessionState('a', state as SessionStateName, 'A'), TypeError)
        await assert.rejects(backend.setSessionState('missing', state as SessionStateName), TypeError)
      }
      for (const turn of [1, true, {}, ['A'], 1n]) {
        for (const state of ['running', 'idle', 'error'] as const) {
          await assert.rejects(backend.setSessionState('a', state, turn as unknown as string), TypeError)
          await assert.rejects(backend.setSessionState('missing', state, turn as unknown as string), TypeError)
        }
      }
      assert.deepEqual(snapshot(), before)
      assert.deepEqual(await backend.listSessions(), ['a'])
    },
  },
  {
    name: 'without an id on either side there is no mismatch',
    async run({ backend, clock }) {
      await backend.setSessionState('a', 'running')
      await stateIs(backend, 'running', null, clock.date)
      await backend.setSessionState('a', 'idle', 'B')
      await stateIs(backend, 'idle', null, clock.date)
      await backend.setSessionState('a', 'running', null)
      await backend.setSessionState('a', 'error', 'B')
      await stateIs(backend, 'error', 'B', clock.date)
      await backend.setSessionState('a', 'running', 'A')
      await backend.setSessionState('a', 'error', undefined)
      await stateIs(backend, 'error', 'A', clock.date)
      await backend.setSessionState('a', 'running', 'A')
      await backend.setSessionState('a', 'idle')
      await stateIs(backend, 'idle', null, clock.date)
    },
  },
  {
    name: 'only a running turn is protected',
    async run({ backend, clock }) {
      await backend.setSessionState('a', 'running', 'A')
      await backend.setSessionState('a', 'error', 'A')
      const t1 = clock.move(SECOND)
      await backend.setSessionState('a', 'error', 'B')
      await stateIs(backend, 'error', 'B', t1)
      await backend.setSessionState('a', 'idle', 'C')
      await stateIs(backend, 'idle', null, t1)
      await backend.setSessionState('a', 'error', 'D')
      await stateIs(backend, 'error', 'D', t1)
    },
  },
  {
    name: 'a newer turn takes over',
    async run({ backend, clock }) {
      await backend.setSessionState('a', 'running', 'A')
      const t1 = clock.move(SECOND)
      await backend.setSessionState('a', 'running', 'B')
      await stateIs(backend, 'running', 'B', t1)
      await rejectsWithCode(backend.setSessionState('a', 'idle', 'A'), 'ERR_TURN_MISMATCH', {
        running: 'B',
        given: 'A',
      })
      const t2 = clock.move(SECOND)
      await backend.setSessionState('a', 'running')
      await stateIs(backend, 'running', null, t2)
      await backend.setSessionState('a', 'idle', 'A')
      await stateIs(backend, 'idle', null, t2)
    },
  },
  {
    name: 'an empty string is a turn id like any other',
    async run({ backend, clock }) {
      await backend.setSessionState('a', 'running', '')
      await stateIs(backend, 'running', '', clock.date)
      await rejectsWithCode(backend.setSessionState('a', 'idle', 'B'), 'ERR_TURN_MISMATCH', { running: '', given: 'B' })
      await backend.setSessionState('a', 'error', '')
      await stateIs(backend, 'error', '', clock.date)
    },
  },
  {
    name: 'a repeated report does not restart the clock',
    async run({ backend, clock }) {
      for (const [state, turnId] of [
        ['running', 'A'],
        ['error', 'A'],
        ['idle', null],
        ['running', null],
      ] as const) {
        const start = clock.move(SECOND)
        await backend.setSessionState('a', state, turnId)
        clock.move(SECOND)
        await backend.setSessionState('a', state, turnId)
        await stateIs(backend, state, turnId, start)
      }
      const start = clock.move(SECOND)
      await backend.setSessionState('a', 'error', 'B')
      clock.move(SECOND)
      await backend.setSessionState('a', 'error')
      await stateIs(backend, 'error', 'B', start)
      const idle = clock.move(SECOND)
      await backend.setSessionState('a', 'idle', 'B')
      clock.move(SECOND)
      await backend.setSessionState('a', 'idle', 'C')
      await stateIs(backend, 'idle', null, idle)
    },
  },
  {
    name: 'a state makes the session',
    async run({ backend, clock }) {
      for (const [key, state] of [
        ['a', 'running'],
        ['b', 'idle'],
        ['c', 'error'],
      ] as const) {
        assert.equal(await backend.getSessionState(key), null)
        await backend.setSessionState(key, state, 'turn-1')
        const turnId = state === 'idle' ? null : 'turn-1'
        assert.deepEqual(await backend.getSessionState(key), { state, turnId, turnStartedAt: clock.date })
        assert.deepEqual(await backend.getSessionMetadata(key), {
          key,
          name: null,
          createdAt: clock.date,
          lastActivity: clock.date,
          messageCount: 0,
        })
      }
      assert.deepEqual(await backend.listSessions(), ['a', 'b', 'c'])
    },
  },
  {
    name: 'a state lasts through other changes to the session',
    async run({ backend, clock, reopen }) {
      await backend.append('a', user('one'))
      const t1 = clock.move(SECOND)
      await backend.setSessionState('a', 'running', 'A')
      clock.move(HOUR)
      await backend.append('a', user('two'))
      await backend.setSessionName('a', 'named')
      await backend.removeLast('a')
      await backend.compact('a')
      await stateIs(backend, 'running', 'A', t1)
      await reopen()
      await stateIs(backend, 'running', 'A', t1)
      assert.deepEqual(await texts(backend, 'a'), ['one'])
    },
  },
  {
    name: 'states of different sessions are their own',
    async run({ backend, clock }) {
      for (const key of ['a', 'A', 'a/b']) await backend.append(key, user('x'))
      await backend.setSessionState('A', 'running', 'turn-1')
      assert.deepEqual(await backend.getSessionState('a'), NEVER_SET)
      assert.deepEqual(await backend.getSessionState('a/b'), NEVER_SET)
      assert.deepEqual(await backend.getSessionState('A'), {
        state: 'running',
        turnId: 'turn-1',
        turnStartedAt: clock.date,
      })
    },
  },
]
