/** Values beside a Map, which is the least that such a store costs, and beside a file for each key. */
import assert from 'node:assert/strict'
import path from 'node:path'
import { atMost, below, under } from '../goals.mjs'
import { messages } from '../messages.mjs'
import { files, map, OURS, openStore, ours } from './adapter-contestants.mjs'

const STATE = { step: 2, cart: ['tea'], text: 'x'.repeat(600) }

function fillNames(store, names) {
  return store.session('a').setValues(Array.from({ length: names }, (_, n) => [`name ${n}`, n]))
}

/** Sets one of many names of a warm log, and appends a message of as many bytes. */
function set(names) {
  const bytes = JSON.stringify(STATE)
  let n = 0
  return {
    name: `value-set-${names}`,
    work: `set a value, warm log of ${names.toLocaleString('en')} names`,
    unit: 'µs',
    contestants: [
      ours((store) => ({ operation: () => store.session('a').setValue(`name ${n++ % names}`, STATE) }), {
        fill: (store) => fillNames(store, names),
      }),
      ours((store) => ({ operation: () => store.session('a').append({ role: 'user', content: bytes }) }), {
        name: 'append',
        as: 'append of as many bytes',
        fill: (store) => store.session('a').append({ role: 'user', content: 'first' }),
      }),
      map((values) => async () => values.set(`name ${n++ % names}`, structuredClone(STATE))),
      files(
        ({ write }) =>
          () =>
            write(`name ${n++ % names}`, STATE),
      ),
    ],
    goals: [atMost(1.5, 'append')],
  }
}

/** Opens a log of many names and finds them all, and reads a log of as many messages. */
function openNames(names) {
  const text = 'x'.repeat(100)
  const reopened = (root, work) => {
    let store
    return {
      async before() {
        await store?.close()
        store = await openStore(root)
      },
      operation: () => work(store.session('a')),
      proof() {},
      stop: () => store?.close(),
    }
  }
  const opening = (name, as, fill, work) => ({
    name,
    as,
    async start(dir) {
      const root = path.join(dir, 'sessions')
      const store = await openStore(root)
      await fill(store.session('a'))
      await store.close()
      let memory = 0
      const made = reopened(root, async (session) => {
        globalThis.gc?.()
        const former = process.memoryUsage().heapUsed
        const start = performance.now()
        const count = await work(session)
        const milliseconds = performance.now() - start
        assert.equal(count, names)
        globalThis.gc?.()
        memory = Math.max(memory, process.memoryUsage().heapUsed - former)
        return milliseconds
      })
      return { ...made, most: 1, selfTimed: true, figures: () => ({ memory }) }
    },
  })
  return {
    name: `value-names-${names}`,
    work: `open a log of ${names.toLocaleString('en')} names, find them all`,
    unit: 'ms',
    most: 5,
    contestants: [
      opening(
        OURS,
        undefined,
        (session) => session.setValues(Array.from({ length: names }, (_, n) => [`name ${n}`, text])),
        async (session) => {
          let count = 0
          for await (const _ of session.values({ keysOnly: true })) count++
          return count
        },
      ),
      opening(
        'messages',
        'messages() of as many',
        (session) => session.append(Array.from({ length: names }, () => ({ role: 'user', content: text }))),
        async (session) => (await session.messages()).length,
      ),
    ],
    goals: [atMost(1.5, 'messages'), below(25, 'memory')],
  }
}

function get() {
  return {
    name: 'value-get-warm',
    work: 'get a value, warm log',
    unit: 'µs',
    contestants: [
      ours(
        (store) => {
          let got
          const operation = async () => {
            got = await store.session('a').getValue('state')
          }
          return { operation, proof: () => assert.deepEqual(got, got && STATE) }
        },
        { fill: (store) => store.session('a').setValue('state', STATE) },
      ),
      map((values) => {
        values.set('state', STATE)
        return async () => structuredClone(values.get('state'))
      }),
      files(async ({ read, write }) => {
        await write('state', STATE)
        return () => read('state')
      }),
    ],
    goals: [under(15, 'median')],
  }
}

/** A log of 10 MB of messages and one value, in a store that has not seen it. */
function getCold() {
  return {
    name: 'value-get-cold',
    work: 'get a value of a cold log of 10 MB',
    unit: 'µs',
    contestants: [
      ours(
        (store, root) => {
          let cold = store
          let got
          return {
            async before() {
              if (cold !== store) await cold.close()
              cold = await openStore(root)
            },
            async operation() {
              got = await cold.session('a').getValue('state')
            },
            async proof() {
              if (got !== undefined) assert.deepEqual(got, STATE)
            },
          }
        },
        {
          most: 100,
          cold: true,
          async fill(store) {
            const session = store.session('a')
            while (((await session.info())?.bytes ?? 0) < 10_000_000) await session.append(messages(0, 5_000))
            await session.setValue('state', STATE)
          },
        },
      ),
    ],
    goals: [under(300, 'median')],
  }
}

export function valueRows(names) {
  return [set(names), set(10 * names), openNames(10 * names), get(), getCold()]
}
