/** Later loads read only what is new, and give the same as a first one. */
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { JsonlRuntimePersistence, type SessionNodeRecord } from '../../../src/contracts/runtime-persistence/index.js'
import { openStore, type SessionStore } from '../../../src/index.js'
import { tempFolder } from '../../helpers/store.js'

const CONFIG = {
  ...{ providerId: 'p', configuredModel: 'm', contextWindow: 0, executionMode: 'standard' },
  ...{ standardContextApproach: null, modelVariant: null },
}

const node = (n: number, more: object = {}): SessionNodeRecord =>
  ({
    ...{ nodeId: `n${n}`, ...(n === 0 ? {} : { parentNodeId: `n${n - 1}` }), timestamp: '2026-11-25T08:00:00.000Z' },
    ...{ kind: 'event', event: { type: 'message', text: `text ${n}`, ...more } },
  }) as unknown as SessionNodeRecord

async function commit(runtime: JsonlRuntimePersistence, ...nodes: SessionNodeRecord[]): Promise<void> {
  const former = await runtime.loadSession({ kind: 'activePath' })
  await runtime.commitRuntimeState({
    ...{ sessionId: 'k', expectedHeadRevision: former?.headRevision ?? null, config: CONFIG, checkpoint: {} },
    ...{ graph: { kind: 'append', nodes, leafNodeId: nodes.at(-1)?.nodeId ?? null }, usageDeltas: [] },
  } as Parameters<JsonlRuntimePersistence['commitRuntimeState']>[0])
}

async function filled(...commits: SessionNodeRecord[][]) {
  const folder = tempFolder()
  const store = await openStore(folder)
  const runtime = new JsonlRuntimePersistence(store, 'k')
  for (const nodes of commits) await commit(runtime, ...nodes)
  return { store, runtime, log: path.join(folder, 'k.jsonl') }
}

const nodesOf = async (runtime: JsonlRuntimePersistence) =>
  (await runtime.loadSession({ kind: 'fullGraph' }))?.graph.nodes

/** What several loads by one object say, and what a new one says. */
async function expectSame(store: SessionStore, runtime: JsonlRuntimePersistence) {
  const fresh = await new JsonlRuntimePersistence(store, 'k').loadSession({ kind: 'fullGraph' })
  for (let load = 0; load < 3; load++) expect(await runtime.loadSession({ kind: 'fullGraph' })).toEqual(fresh)
  return fresh
}

describe('a load that comes again', () => {
  test('give the same for nodes of any text', async () => {
    const odd = node(1, { text: 'ä 🙂 \ud800 "],"leaf":null', '5': 1, '2': [[], {}], zero: -0 })
    const { store, runtime } = await filled([node(0)], [odd, node(2)], [], [node(3)])
    expect((await expectSame(store, runtime))?.graph.nodes.map(({ nodeId }) => nodeId)).toEqual([
      'n0',
      'n1',
      'n2',
      'n3',
    ])
    await store.close()
  })

  test('give the same for a line in another spelling', async () => {
    const { store, runtime, log } = await filled([node(0)], [node(1)], [node(2)])
    const lines = fs.readFileSync(log, 'utf8').split('\n')
    lines[2] = (lines[2] as string).replace('"nodes":[{', '"nodes": [ { "x":1e400,"y":-0,').replace('text 1', '\\u0041')
    fs.writeFileSync(log, lines.join('\n'))
    const found = await expectSame(store, runtime)
    expect(found?.graph.nodes[1]).toMatchObject({ x: Number.POSITIVE_INFINITY, y: -0, event: { text: 'A' } })
    await store.close()
  })

  test('brings what was committed, marked and vacuumed since', async () => {
    const { store, runtime } = await filled([node(0), node(1)], [node(2)])
    await expectSame(store, runtime)
    await commit(runtime, node(3))
    await expectSame(store, runtime)
    await runtime.tombstoneNodes(['n1', 'n0'])
    const marked = await expectSame(store, runtime)
    expect(marked?.graph.nodes.map(({ nodeId, parentNodeId }) => [nodeId, parentNodeId])).toEqual([
      ['n2', undefined],
      ['n3', 'n2'],
    ])
    await new JsonlRuntimePersistence(store, 'k').vacuum()
    expect((await expectSame(store, runtime))?.graph).toEqual(marked?.graph)
    await store.close()
  })

  test('gives a value of its own', async () => {
    const { store, runtime } = await filled([node(0)], [node(1)])
    const expected = structuredClone(await nodesOf(runtime))
    for (let load = 0; load < 3; load++) {
      const nodes = await nodesOf(runtime)
      expect(nodes).toEqual(expected)
      for (const one of nodes ?? []) Object.assign(one, { event: null, nodeId: 'changed' })
      nodes?.pop()
    }
    await store.close()
  })

  test('reads lines that are longer than what is read at once', async () => {
    const long = Array.from({ length: 30 }, (_, n) => node(n + 2, { text: 'x'.repeat(10_000) }))
    const { store, runtime } = await filled([node(0)], [node(1)], long, [node(32)])
    expect((await expectSame(store, runtime))?.graph.nodes).toHaveLength(33)
    await store.close()
  })
})
