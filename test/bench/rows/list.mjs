import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { Naive } from '../competitors/naive.mjs'
import { OurBackend, Ours } from '../competitors/ours.mjs'
import { Raw } from '../competitors/raw.mjs'
import { Sqlite } from '../competitors/sqlite.mjs'
import { atMost, known, under } from '../goals.mjs'
import { keys, messageAt, messages } from '../messages.mjs'
import { random } from '../statistics.mjs'
import { contestant, withStore } from './contestant.mjs'

const EACH = 10
const NEWEST = 50
const run = promisify(execFile)
/**
 * Two looks for each session, at its log and at its sidecar, take 5 to 7 µs where SQLite reads a whole row in 2.5: no list
 * that sees what others changed comes below 2.5 times SQLite; the raw limit is 5 times, and with all checks it is 6.
 */
const FROM_FILES = known(4.2, 'two files are looked at for each session', atMost(1.5, 'sqlite'))

async function fill(store, sessions) {
  for (const key of keys(sessions)) await store.fill(key, messages(0, EACH))
}

/** From open to list in a process of its own; its start is not counted. */
export function listFreshProcess(sessions) {
  const file = path.join(import.meta.dirname, 'list-process.mjs')
  const fresh = (Store) => ({
    name: Store.title,
    async start(dir) {
      await withStore(Store, dir, (store) => fill(store, sessions))
      let rows
      return {
        most: 1,
        selfTimed: true,
        async operation() {
          const { stdout } = await run(process.execPath, [file, Store.title, dir])
          const answer = JSON.parse(stdout)
          rows = answer.rows
          return answer.milliseconds
        },
        proof: () => assert.equal(rows, sessions),
        stop() {},
      }
    },
  })
  return {
    name: `list-process-${sessions}`,
    work: `list ${sessions.toLocaleString('en')} sessions, fresh process`,
    unit: 'ms',
    contestants: [Ours, Raw, Sqlite, Naive].map(fresh),
    goals: [FROM_FILES],
  }
}

export function listFreshStore(sessions) {
  const fresh = (Store) => ({
    name: Store.title,
    async start(dir) {
      await withStore(Store, dir, (store) => fill(store, sessions))
      let rows
      return {
        async operation() {
          rows = await withStore(Store, dir, (store) => store.list())
        },
        proof: () => assertRows(rows, sessions),
        stop() {},
      }
    },
  })
  return {
    name: `list-fresh-${sessions}`,
    work: `list ${sessions.toLocaleString('en')} sessions, store just opened`,
    unit: 'ms',
    contestants: [Ours, Raw, Sqlite, Naive].map(fresh),
    goals: [FROM_FILES],
  }
}

/** Each list comes after an append, so that none can be answered with the list before. */
export function listOpen(sessions) {
  return {
    name: `list-open-${sessions}`,
    work: `list ${sessions.toLocaleString('en')} sessions, open store`,
    unit: 'ms',
    contestants: [Ours, OurBackend, Raw, Sqlite, Naive].map((Store) =>
      contestant(
        Store,
        afterAppend(sessions, sessions, (store) => store.list()),
        { fill: (store) => fill(store, sessions) },
      ),
    ),
    goals: [
      known(
        1.6,
        'half of it is garbage collection: to answer makes an object, two dates and a list of tags for each session',
        atMost(0.2, 'sqlite'),
      ),
    ],
  }
}

export function listNewest(sessions) {
  return {
    name: `newest-${NEWEST}-of-${sessions}`,
    work: `newest ${NEWEST} of ${sessions.toLocaleString('en')} sessions, open store`,
    unit: 'µs',
    contestants: [Ours, Raw, Sqlite, Naive].map((Store) =>
      contestant(
        Store,
        afterAppend(sessions, NEWEST, (store) => store.newest(NEWEST)),
        { fill: (store) => fill(store, sessions) },
      ),
    ),
    goals: [under(1000, 'median')],
  }
}

function afterAppend(sessions, expected, list) {
  const all = keys(sessions)
  return (store) => {
    const rand = random(3)
    let written
    let rows
    return {
      most: 200,
      before() {
        written = all[Math.floor(rand() * sessions)]
        return store.append(written, messageAt(EACH))
      },
      async operation() {
        rows = await list(store)
      },
      proof() {
        assertRows(rows, expected)
        // others may have been active in the same millisecond
        const row = rows.find(({ key }) => key === written)
        assert.ok(countIn(row) > EACH)
        assert.equal(row.lastActivity.getTime(), rows[0].lastActivity.getTime())
      },
    }
  }
}

function assertRows(rows, expected) {
  assert.equal(rows.length, expected)
  assert.equal(new Set(rows.map(({ key }) => key)).size, expected)
  assert.ok(rows.every((row) => countIn(row) >= EACH))
  for (let i = 1; i < rows.length; i++) assert.ok(rows[i - 1].lastActivity >= rows[i].lastActivity)
}

/** SessionBackend has its own word for it. */
function countIn({ messages, messageCount = messages }) {
  return messageCount
}
