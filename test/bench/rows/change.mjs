/** Changes whose cost must not grow with the log: each is measured on a long log and, for the library, on a short one. */
import assert from 'node:assert/strict'
import { Naive } from '../competitors/naive.mjs'
import { OurBackend, Ours } from '../competitors/ours.mjs'
import { Raw } from '../competitors/raw.mjs'
import { Sqlite, SqliteFts } from '../competitors/sqlite.mjs'
import { atMost, faster, known } from '../goals.mjs'
import { keys, messageAt, messages } from '../messages.mjs'
import { contestant, fillSession } from './contestant.mjs'
import { assertEndsWith } from './proof.mjs'

const LONG = 10_000
const SHORT = 100
const SHORT_LOG = 'jsonl-sessions, short log'
const APPEND = 'jsonl-sessions, an append'
const flat = atMost(1.5, SHORT_LOG, { as: `the same on ${SHORT}` })

/** Each removal takes away a message that was appended just before, as after a failed model call. */
export function removeLast() {
  const most = 500
  const all = keys(1000)
  const on = (length) => (store) => {
    let key
    return {
      most,
      /** A new session each time, or the short log would not stay short. */
      async turn(number) {
        key = all[number]
        await fillSession(store, key, messages(0, length))
      },
      before: () => store.append(key, messageAt(length)),
      async operation() {
        assert.equal(await store.removeLast(key), true)
      },
      async proof() {
        const left = await store.load(key)
        assert.equal(left.length, length)
        assertEndsWith(left, messages(length - SHORT, length))
      },
    }
  }
  return {
    name: 'remove-last',
    work: `removeLast, log of ${LONG.toLocaleString('en')}`,
    unit: 'µs',
    contestants: [
      ...[Ours, OurBackend, Raw, Sqlite, SqliteFts, Naive].map((Store) => contestant(Store, on(LONG))),
      contestant(Ours, on(SHORT), { name: SHORT_LOG }),
    ],
    goals: [flat, faster(1, 'sqlite')],
  }
}

export function setName() {
  const rename = (store) => {
    let count = 0
    return {
      most: 2000,
      operation: () => store.setName(keys(1)[0], `Trip to the mountains ${++count}`),
      async proof() {
        assert.equal((await store.metadata(keys(1)[0])).name, `Trip to the mountains ${count}`)
      },
    }
  }
  return labelRow('set-name', 'setSessionName', rename)
}

/** Idle to running and back: what a turn costs is two of these. */
export function setState() {
  const [key] = keys(1)
  const change = (store) => {
    let count = 0
    return {
      most: 2000,
      operation() {
        count++
        return count % 2 === 1 ? store.setState(key, 'running', `turn-${count}`) : store.setState(key, 'idle', null)
      },
      async proof() {
        const { state, turnId } = await store.metadata(key)
        const running = count % 2 === 1
        assert.equal(state, running ? 'running' : 'idle')
        assert.equal(turnId, running ? `turn-${count}` : null)
      },
    }
  }
  return labelRow('set-state', 'setSessionState', change, [
    contestant(Ours, oneAppend, { name: APPEND, fill: (store) => fillSession(store, key, messages(0, LONG)) }),
  ])
}

function oneAppend(store) {
  const [key] = keys(1)
  let written = LONG
  return {
    most: 2000,
    operation: () => store.append(key, messageAt(written++)),
    async proof() {
      assert.equal((await store.metadata(key)).messages, written)
    },
  }
}

function labelRow(name, method, change, others = []) {
  const filled = (length) => ({ fill: (store) => fillSession(store, keys(1)[0], messages(0, length)) })
  return {
    name,
    work: `${method}, log of ${LONG.toLocaleString('en')}`,
    unit: 'µs',
    contestants: [
      ...[Ours, OurBackend, Raw, Sqlite, Naive].map((Store) => contestant(Store, change, filled(LONG))),
      contestant(Ours, change, { name: SHORT_LOG, ...filled(SHORT) }),
      ...others,
    ],
    goals: others.length === 0 ? [flat] : [flat, atMost(1.5, APPEND, { as: 'an append' })],
  }
}

/** A session comes into being with its first message. */
export function create() {
  const fresh = (store) => {
    let made = 0
    return {
      most: 1000,
      operation: () => store.append(`whatsapp_${made++}`, messageAt(0)),
      async proof() {
        const rows = await store.list()
        assert.equal(rows.length, made)
        assert.ok(rows.every(({ messages }) => messages === 1))
      },
    }
  }
  return {
    name: 'create',
    work: 'create a session by its first message',
    unit: 'µs',
    contestants: [Ours, Raw, Sqlite, SqliteFts, Naive].map((Store) => contestant(Store, fresh)),
    goals: [known(6, 'a file is made, and a sidecar behind it; SQLite makes none', atMost(1.5, 'sqlite'))],
  }
}
