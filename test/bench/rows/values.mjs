/** Values and adapters beside a Map, which is the least that such a store costs, and beside a file for each key. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { atMost, under } from '../goals.mjs'
import { messages } from '../messages.mjs'

const build = path.resolve(process.env.BENCH_LIBRARY ?? path.join(import.meta.dirname, '../../../dist'))
const load = (file) => import(pathToFileURL(path.join(build, 'src', file)).href)
const { openStore } = await load('index.js')

const OURS = 'jsonl-sessions'
const MAP = 'Map'
const FILES = 'file per key'
const STATE = { step: 2, cart: ['tea'], text: 'x'.repeat(600) }

/** A store of ours; `make(store)` returns the operation. */
function ours(make, { name = OURS, as, most = 2_000, cold = false, fill } = {}) {
  return {
    name,
    as,
    async start(dir) {
      const root = path.join(dir, 'sessions')
      let store = await openStore(root)
      await fill?.(store)
      if (cold) {
        await store.close()
        store = await openStore(root)
      }
      const { operation, before, proof = () => {} } = await make(store, root)
      const stop = () => store.close()
      return { most, operation, before, proof, stop }
    },
  }
}

function map(make) {
  return {
    name: MAP,
    async start() {
      return { most: 2_000, operation: make(new Map()), proof() {}, stop() {} }
    },
  }
}

/** As the usual file storages write: a file for each key, without a lock. */
function files(make) {
  return {
    name: FILES,
    async start(dir) {
      const file = (key) => path.join(dir, `${key}.json`)
      const read = async (key) => JSON.parse(await fs.promises.readFile(file(key), 'utf8'))
      const write = (key, value) => fs.promises.writeFile(file(key), JSON.stringify(value))
      const operation = await make({ read, write })
      return { most: 2_000, operation, proof() {}, stop() {} }
    },
  }
}

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

function grammy(chats) {
  const turn = async (storage, n) => {
    const key = `${n % chats}`
    const { count = 0 } = (await storage.read(key)) ?? {}
    await storage.write(key, { count: count + 1 })
  }
  let n = 0
  return {
    name: 'grammy',
    work: `grammY read and write, ${chats.toLocaleString('en')} chats in turn`,
    unit: 'µs',
    contestants: [
      ours(async (store) => {
        const { JsonlStorageAdapter } = await load('adapters/grammy.js')
        const storage = new JsonlStorageAdapter(store)
        for (let chat = 0; chat < chats; chat++) await storage.write(`${chat}`, { count: 0 })
        return { operation: () => turn(storage, n++) }
      }),
      map(
        (values) => () => turn({ read: async (key) => values.get(key), write: async (k, v) => values.set(k, v) }, n++),
      ),
      files(async ({ read, write }) => {
        for (let chat = 0; chat < chats; chat++) await write(`${chat}`, { count: 0 })
        return () => turn({ read, write }, n++)
      }),
    ],
    goals: [under(60, 'median')],
  }
}

function items(count) {
  const fill = async (store) => {
    for (let i = 0; i < count; i += 1_000) await store.session('a').append(messages(i, i + 1_000))
  }
  const agents = async (store) => {
    const { JsonlAgentsSession } = await load('adapters/openai-agents.js')
    return new JsonlAgentsSession(store, 'a')
  }
  const three = Array.from({ length: 3 }, () => ({ role: 'user', content: 'x'.repeat(100) }))
  return [
    {
      name: 'items-get',
      work: `getItems(50) of an agent's session of ${count.toLocaleString('en')}`,
      unit: 'µs',
      contestants: [
        ours(
          async (store) => {
            const session = await agents(store)
            return { operation: () => session.getItems(50) }
          },
          { fill },
        ),
        ours((store) => ({ operation: () => store.session('a').messages({ last: 50 }) }), { name: 'messages', fill }),
      ],
      goals: [atMost(1.5, 'messages', { as: 'messages({ last: 50 })' })],
    },
    {
      name: 'items-add',
      work: `addItems of 3, session of ${count.toLocaleString('en')}`,
      unit: 'µs',
      contestants: [
        ours(
          async (store) => {
            const session = await agents(store)
            return { operation: () => session.addItems(three) }
          },
          { fill },
        ),
        ours((store) => ({ operation: () => store.session('a').append(three) }), { name: 'append', fill }),
      ],
      goals: [atMost(1.5, 'append')],
    },
  ]
}

export function valueRows(names, long) {
  return [set(names), get(), getCold(), grammy(1_000), ...items(long)]
}
