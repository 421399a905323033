import assert from 'node:assert/strict'
import { Naive } from '../competitors/naive.mjs'
import { OurBackend, Ours } from '../competitors/ours.mjs'
import { Raw } from '../competitors/raw.mjs'
import { Sqlite } from '../competitors/sqlite.mjs'
import { atMost, faster } from '../goals.mjs'
import { keys, messages } from '../messages.mjs'
import { contestant, fillSession } from './contestant.mjs'
import { assertEndsWith } from './proof.mjs'

const [key] = keys(1)
const LAST = 50
const SHORT_LOG = 1000

export function load(count) {
  const whole = (store) => {
    let got
    return {
      async operation() {
        got = await store.load(key)
      },
      proof() {
        assert.equal(got.length, count)
        assertEndsWith(got, messages(0, count))
        got = undefined
      },
    }
  }
  const fill = (store) => fillSession(store, key, messages(0, count))
  return {
    name: `load-${count}`,
    work: `load ${count.toLocaleString('en')} messages`,
    unit: 'ms',
    contestants: [Ours, OurBackend, Raw, Sqlite, Naive].map((Store) => contestant(Store, whole, { fill })),
    goals: [atMost(0.75, 'sqlite'), atMost(1.3, 'raw limit', { as: 'the best parse' })],
  }
}

export function last(count) {
  const tail = (length) => (store) => {
    let got
    return {
      async operation() {
        got = await store.last(key, LAST)
      },
      proof() {
        assert.equal(got.length, LAST)
        assertEndsWith(got, messages(length - LAST, length))
      },
    }
  }
  const filled = (length) => ({ fill: (store) => fillSession(store, key, messages(0, length)) })
  return {
    name: `last-${LAST}-of-${count}`,
    work: `last ${LAST} of ${count.toLocaleString('en')} messages`,
    unit: 'µs',
    contestants: [
      ...[Ours, Raw, Sqlite, Naive].map((Store) => contestant(Store, tail(count), filled(count))),
      contestant(Ours, tail(SHORT_LOG), { name: 'jsonl-sessions, short log', ...filled(SHORT_LOG) }),
    ],
    goals: [
      atMost(3, 'raw limit', { as: 'the backward read' }),
      atMost(1.5, 'jsonl-sessions, short log', { as: `the same of ${SHORT_LOG}` }),
      faster(1, 'sqlite'),
    ],
  }
}
