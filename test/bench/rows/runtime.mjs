/** What an agent runtime does with its state: commits, and loads of all of it. */
import assert from 'node:assert/strict'
import { AppendOnly, OurRuntime, SqliteRuntime } from '../competitors/runtimes.mjs'
import { atMost } from '../goals.mjs'
import { contestant } from './contestant.mjs'

const TEXT = 'The function reads the file, checks every line and answers with what it found. '.repeat(5)

const node = (n) => ({
  nodeId: `node-${n}`,
  ...(n === 0 ? {} : { parentNodeId: `node-${n - 1}` }),
  timestamp: '2026-11-24T08:00:00.000Z',
  kind: 'event',
  event: { type: 'message', role: 'assistant', content: [{ type: 'text', text: `${n} ${TEXT}` }] },
})

const nodes = (count) => Array.from({ length: count }, (_, n) => node(n))

function row(count, name, work, unit, contestants, prepare, goals) {
  return {
    name: `runtime-${name}-${count}`,
    work: `agent runtime of ${count.toLocaleString('en')} nodes: ${work}`,
    unit,
    contestants: contestants.map((Runtime) =>
      contestant(Runtime, prepare, { fill: (runtime) => runtime.fill(nodes(count)) }),
    ),
    goals,
  }
}

export function runtimeRows(count) {
  const commit = (runtime) => {
    let next = count
    return {
      operation: () => runtime.commit(node(next++)),
      proof: async () => assert.equal(await runtime.count(), next),
    }
  }
  const loadAll = (runtime) => ({
    operation: () => runtime.load(),
    proof: async () => assert.deepEqual((await runtime.load()).graph.nodes, nodes(count)),
  })
  return [
    row(count, 'commit', 'commit of one', 'µs', [OurRuntime, AppendOnly, SqliteRuntime], commit, [
      atMost(3, AppendOnly.title),
    ]),
    row(count, 'load', 'full load', 'ms', [OurRuntime, SqliteRuntime], loadAll, [atMost(2, 'sqlite')]),
  ]
}
