import fs from 'node:fs'
import { Annotation, END, START, StateGraph } from '@langchain/langgraph'
import { type Checkpoint, emptyCheckpoint, MemorySaver, uuid6 } from '@langchain/langgraph-checkpoint'
import { describe, expect, test } from 'vitest'
import { JsonlCheckpointSaver } from '../../src/adapters/langgraph.js'
import { openStore } from '../../src/index.js'
import { during, systemError } from '../helpers/file-calls.js'
import { codeOf, filesIn, open, tempFolder } from '../helpers/store.js'

function checkpointOf(values: Record<string, unknown>, versions: Record<string, number>): Checkpoint {
  return { ...emptyCheckpoint(), id: uuid6(0), channel_values: values, channel_versions: versions }
}

const METADATA = { source: 'loop' as const, step: 1, parents: {} }
const configOf = (thread_id: string, checkpoint_id?: string) => ({
  configurable: { thread_id, checkpoint_ns: '', ...(checkpoint_id !== undefined && { checkpoint_id }) },
})

/** A graph of two channels that are lists, and one that is written once. */
function graphWith(checkpointer: JsonlCheckpointSaver | MemorySaver) {
  const list = () => Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] })
  const State = Annotation.Root({ log: list(), others: list(), topic: Annotation<string> })
  const step = (n: number) => (state: typeof State.State) => ({ log: [`a${n}:${state.topic}`] })
  return new StateGraph(State)
    .addNode('first', step(1))
    .addNode('second', (state) => ({ others: [`b:${state.log.length}`] }))
    .addEdge(START, 'first')
    .addEdge('first', 'second')
    .addEdge('second', END)
    .compile({ checkpointer })
}

/** A thread that is run, forked twice from one state, and copied: all of its states, oldest first. */
async function historyWith(checkpointer: JsonlCheckpointSaver | MemorySaver) {
  const graph = graphWith(checkpointer)
  const config = { configurable: { thread_id: 't' } }
  await graph.invoke({ log: ['hi'], topic: 'tea' }, config)
  await graph.invoke({ log: ['again'] }, config)
  const states = []
  for await (const state of graph.getStateHistory(config)) states.push(state)
  const middle = states.at(-3)!
  for (const [name, topic] of [
    ['fork1', 'coffee'],
    ['fork2', 'milk'],
  ]) {
    const fork = await graph.updateState(middle.config, { log: [name!], topic: topic! }, 'first')
    await graph.invoke(null, fork)
    await graph.updateState(fork, null, '__copy__')
  }
  const all = []
  for await (const { values, next, metadata } of graph.getStateHistory(config))
    all.unshift({ values, next, step: metadata?.step })
  return all
}

describe('JsonlCheckpointSaver', () => {
  test('stores a channel once; a checkpoint names the one that has it', async () => {
    const store = await open()
    const saver = new JsonlCheckpointSaver(store)
    const first = checkpointOf({ log: ['hi'], topic: 'tea' }, { log: 1, topic: 1 })
    const at = await saver.put(configOf('t'), first, METADATA, { log: 1, topic: 1 })
    const second = checkpointOf({ log: ['hi', 'there'], topic: 'tea' }, { log: 2, topic: 1 })
    const then = await saver.put(at, second, METADATA, { log: 2 })
    const third = checkpointOf({ log: ['hi', 'there'], topic: 'tea' }, { log: 2, topic: 1 })
    await saver.put(then, third, METADATA, {})
    const text = fs.readFileSync(store.session('langgraph_t').path, 'utf8')
    expect(text.match(/"tea"/g)).toHaveLength(1)
    expect(text.match(/"there"/g)).toHaveLength(1)
    const stored = await store.session('langgraph_t').getValue(`checkpoint//${third.id}`)
    expect(stored).toMatchObject({ parent: second.id, channels: {}, held: { log: second.id, topic: first.id } })
    const tuple = await saver.getTuple(configOf('t'))
    expect(tuple?.checkpoint).toEqual(third)
    expect(tuple?.parentConfig).toEqual(configOf('t', second.id))
  })

  test('distinguishes branches that count the same versions, in copies that set nothing', async () => {
    const saver = new JsonlCheckpointSaver(await open())
    const put = (parent: ReturnType<typeof configOf>, log: string[], version: number, isNew: boolean) =>
      saver.put(parent, checkpointOf({ log }, { log: version }), METADATA, isNew ? { log: version } : {})
    const root = (await put(configOf('t'), ['hi'], 1, true)) as ReturnType<typeof configOf>
    await put(root, ['hi', 'fork1'], 2, true)
    await put(root, ['hi', 'fork2'], 2, true)
    const values = async (config: ReturnType<typeof configOf>) =>
      (await saver.getTuple(config))?.checkpoint.channel_values
    for (const fork of ['fork1', 'fork2', 'nowhere else']) {
      const copy = (await put(root, ['hi', fork], 2, false)) as ReturnType<typeof configOf>
      expect(await values(copy)).toEqual({ log: ['hi', fork] })
    }
    // a version that no checkpoint stored has no value
    expect(await values((await put(root, ['hi'], 3, false)) as ReturnType<typeof configOf>)).toEqual({})
  })

  test('equals the saver in memory in all states of a thread that was forked twice and copied', async () => {
    const memory = await historyWith(new MemorySaver())
    expect(memory.length).toBeGreaterThan(12)
    expect(await historyWith(new JsonlCheckpointSaver(await open()))).toEqual(memory)
  })

  test('goes on where a process was killed: what was put is there', async () => {
    const folder = tempFolder()
    const store = await open(folder)
    const config = { configurable: { thread_id: 't' } }
    await graphWith(new JsonlCheckpointSaver(store)).invoke({ log: ['hi'], topic: 'tea' }, config)
    // as a kill leaves it: the store is not closed, the last line is cut
    const { path } = store.session('langgraph_t')
    fs.appendFileSync(path, '{"type":"value","name":"checkpoint//9","val')
    const again = graphWith(new JsonlCheckpointSaver(openStore(folder)))
    expect((await again.getState(config)).values).toEqual({ log: ['hi', 'a1:tea'], others: ['b:2'], topic: 'tea' })
    expect((await again.invoke({ log: ['more'] }, config)).log).toEqual(['hi', 'a1:tea', 'more', 'a1:tea'])
  })

  test.each(['__proto__', 'constructor', '../x', 'a/b', '👩‍👩‍👧', 'x'.repeat(10_000)])(
    'holds the thread %j',
    async (thread) => {
      const store = await open()
      const saver = new JsonlCheckpointSaver(store)
      const namespaces = ['', 'a/b', 'a%2Fb', '__proto__']
      for (const ns of namespaces) {
        const config = { configurable: { thread_id: thread, checkpoint_ns: ns } }
        const values = JSON.parse(`{"__proto__":${JSON.stringify(ns)},"bytes":null}`)
        const checkpoint = checkpointOf(values, JSON.parse('{"__proto__":1,"bytes":1}'))
        const at = await saver.put(config, checkpoint, METADATA, JSON.parse('{"__proto__":1,"bytes":1}'))
        await saver.putWrites(at, [['__proto__', { __error__: ns }]], 'a/b')
      }
      for (const ns of namespaces) {
        const tuple = await saver.getTuple({ configurable: { thread_id: thread, checkpoint_ns: ns } })
        expect(Object.entries(tuple!.checkpoint.channel_values)[0]).toEqual(['__proto__', ns])
        expect(tuple?.pendingWrites).toEqual([['a/b', '__proto__', { __error__: ns }]])
      }
      const listed = []
      for await (const { config } of saver.list({ configurable: { thread_id: thread } }))
        listed.push(config.configurable?.checkpoint_ns)
      expect(listed.sort()).toEqual([...namespaces].sort())
      await saver.deleteThread(thread)
      await saver.deleteThread('nobody')
      expect(filesIn(store.dir).filter((file) => file.endsWith('.jsonl') && !file.startsWith('.'))).toEqual([])
    },
  )

  test('values that are no JSON come back as they were, such that look like them too', async () => {
    const saver = new JsonlCheckpointSaver(await open())
    const values = { bytes: new Uint8Array([0, 255]), typed: { $type: 'x', $bytes: 'AAEC' }, map: new Map([['a', 1]]) }
    const at = await saver.put(configOf('t'), checkpointOf(values, { bytes: 1, typed: 1, map: 1 }), METADATA, {
      bytes: 1,
      typed: 1,
      map: 1,
    })
    expect((await saver.getTuple(at))?.checkpoint.channel_values).toEqual(values)
  })

  test('keeps so many checkpoints, and those that they need', async () => {
    const store = await open()
    const saver = new JsonlCheckpointSaver(store, { keep: 2 })
    let at = configOf('t')
    for (let step = 1; step <= 6; step++) {
      const checkpoint = checkpointOf({ log: [step], topic: 'tea' }, { log: step, topic: 1 })
      at = (await saver.put(at, checkpoint, METADATA, step === 1 ? { log: 1, topic: 1 } : { log: step })) as typeof at
      await saver.putWrites(at, [['log', step]], 'task')
    }
    const states = []
    for await (const { checkpoint } of saver.list(configOf('t'))) states.push(checkpoint.channel_values)
    expect(states).toEqual([6, 5, 1].map((step) => ({ log: [step], topic: 'tea' })))
    expect(await store.session('langgraph_t').check()).toMatchObject({ values: 6 })
  })

  test('an outage is an error, and so is a config without a thread', async () => {
    const folder = tempFolder()
    const store = await open(folder)
    await new JsonlCheckpointSaver(store).put(configOf('t'), checkpointOf({}, {}), METADATA, {})
    await store.close()
    const saver = new JsonlCheckpointSaver(openStore(folder))
    const failing = () => () => {
      throw systemError('EIO')
    }
    expect(await during('open', failing, () => codeOf(saver.getTuple(configOf('t'))))).toBe('EIO')
    expect(await saver.getTuple(configOf('t'))).toBeDefined()
    await expect(saver.put({ configurable: {} }, checkpointOf({}, {}), METADATA, {})).rejects.toThrow('thread_id')
    expect(() => new JsonlCheckpointSaver(openStore(folder), { keep: -1 })).toThrow(RangeError)
  })
})
