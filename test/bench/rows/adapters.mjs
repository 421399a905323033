/** Adapters, beside what their frameworks ship for memory and beside plain calls of the store. */
import { atMost, known, under } from '../goals.mjs'
import { messages } from '../messages.mjs'
import { files, load, map, ours } from './adapter-contestants.mjs'

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

/** A step of a graph of five channels, of which two change: a checkpoint, and the writes of a task. */
function langgraph() {
  const CHANNELS = ['a', 'b', 'c', 'd', 'e']
  const STEPS = 100
  const steps = async (saver) => {
    const { emptyCheckpoint, uuid6 } = await import('@langchain/langgraph-checkpoint')
    const versions = Object.fromEntries(CHANNELS.map((name) => [name, 1]))
    let config = { configurable: { thread_id: 't', checkpoint_ns: '' } }
    let n = 0
    const step = async () => {
      const changed = n++ === 0 ? CHANNELS : ['a', CHANNELS[1 + (n % 4)]]
      for (const name of changed) versions[name]++
      const values = Object.fromEntries(CHANNELS.map((name) => [name, `${versions[name]} ${'x'.repeat(100)}`]))
      const head = { ...emptyCheckpoint(), id: uuid6(n), channel_versions: { ...versions } }
      const newVersions = Object.fromEntries(changed.map((name) => [name, versions[name]]))
      const metadata = { source: 'loop', step: n, parents: {} }
      config = await saver.put(config, { ...head, channel_values: values }, metadata, newVersions)
      await saver.putWrites(config, [['a', values.a]], 'task')
    }
    for (let i = 0; i < STEPS; i++) await step()
    return step
  }
  return {
    name: 'langgraph-step',
    work: `a step of LangGraph (put and putWrites), 5 channels, after ${STEPS} steps`,
    unit: 'µs',
    contestants: [
      ours(async (store) => {
        const { JsonlCheckpointSaver } = await load('adapters/langgraph.js')
        return { operation: await steps(new JsonlCheckpointSaver(store)) }
      }),
      ours(
        async (store) => {
          const { JsonlCheckpointSaver } = await load('adapters/langgraph.js')
          const step = await steps(new JsonlCheckpointSaver(store))
          const size = async () => (await store.session('langgraph_t').info()).bytes
          const former = await size()
          await step()
          const content = 'x'.repeat((await size()) - former)
          return { operation: () => store.session('a').append({ role: 'user', content }) }
        },
        { name: 'append', as: 'append of as many bytes' },
      ),
      {
        name: 'MemorySaver',
        async start() {
          const { MemorySaver } = await import('@langchain/langgraph-checkpoint')
          return { most: 2_000, operation: await steps(new MemorySaver()), proof() {}, stop() {} }
        },
      },
    ],
    goals: [
      known(
        2.5,
        'all channels are serialised at the call, and the parent is read to see where the others stand',
        atMost(4, 'append'),
      ),
    ],
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

export function adapterRows(long) {
  return [grammy(1_000), langgraph(), ...items(long)]
}
