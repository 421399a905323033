/** Logs that were cut, merged or edited by hand. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import { promptly, rejectsWithCode } from '../expect.js'
import {
  append,
  CHECKPOINT,
  CONFIG,
  commit,
  commitG,
  FULL,
  G,
  idsOf,
  KEY,
  load,
  META,
  node,
  PATH,
  type ParsedLine,
  type RuntimeCase,
  type RuntimeScene,
  refuses,
  replaceFull,
  unchanged,
  usage,
} from './scene.js'

/** A commit line as another program would write it, over a manifest that is there. */
function line(
  revision: number,
  nodes: object[],
  leaf: string | null,
  checkpoint: string,
  more: object = {},
): ParsedLine {
  const id = `019aa1b2-0000-7000-8000-${String(revision).padStart(12, '0')}`
  const at = new Date(Date.UTC(2026, 10, 24, 8, 0, revision)).toISOString()
  return { type: 'commit', id, at, session: KEY, revision, nodes, leaf, config: CONFIG, checkpoint, usage: [], ...more }
}

/** A log whose first commit is G, with further lines behind it that another program wrote. */
async function logWith(scene: RuntimeScene, later: (checkpoint: string) => ParsedLine[]): Promise<void> {
  const { checkpointRef } = await commitG(scene.runtime, { checkpoint: CHECKPOINT })
  await (await scene.backend()).append(KEY, { role: 'user', content: 'hi' })
  await scene.runtime.saveSessionMeta(META)
  await scene.reopen(() => scene.log(KEY).add(...later(checkpointRef)))
}

/** The graph cannot be read, while all the rest can; a commit that replaces it is the way out. */
async function isCorrupt(scene: RuntimeScene, reason: string, headRevision: number): Promise<void> {
  const { runtime } = scene
  const details = { reason, headRevision }
  const calls: Array<() => Promise<unknown>> = [
    () => runtime.loadSession(FULL),
    () => runtime.loadSession(PATH),
    () => runtime.loadSession({ ...PATH, leafNodeId: 'a' }),
    () => runtime.loadNode('a'),
    () => runtime.commitRuntimeState(commit(headRevision, unchanged('a'))),
    () => runtime.commitRuntimeState(commit(headRevision, append([node('new', 'a')], 'new'))),
    () => runtime.tombstoneNodes(['a']),
    () => runtime.vacuum(),
    () => runtime.gcUnreachable(),
  ]
  for (const call of calls) await refuses(scene, () => promptly(call()), 'ERR_LOG_CORRUPT', details)
  assert.deepEqual(await runtime.loadSessionMeta(), META)
  const messages = await (await scene.backend()).load(KEY)
  assert.deepEqual(
    messages.map(({ content }) => content),
    ['hi'],
  )
  const conflict = () => runtime.commitRuntimeState(commit(headRevision + 1, replaceFull(G)))
  await refuses(scene, conflict, 'ERR_HEAD_REVISION_CONFLICT', { expected: headRevision + 1, actual: headRevision })
  const { headRevision: next } = await runtime.commitRuntimeState(commit(headRevision, replaceFull(G)))
  assert.equal(next, headRevision + 1)
  const read = await load(runtime)
  assert.deepEqual([read.headRevision, read.graph], [next, G])
}

type Flaw = [name: string, reason: string, headRevision: number, later: (checkpoint: string) => ParsedLine[]]

const FLAWS: Flaw[] = [
  ['a gap in the revisions', 'missingRevision', 3, (ref) => [line(3, [], 'c', ref)]],
  ['a leaf that is not there', 'missingLeaf', 2, (ref) => [line(2, [], 'nope', ref)]],
  ['a parent that is not there', 'missingParent', 2, (ref) => [line(2, [node('x', 'ghost')], 'c', ref)]],
  ['a node twice in a commit', 'duplicateNode', 2, (ref) => [line(2, [node('x'), node('x')], 'c', ref)]],
  ['a node of another content', 'duplicateNode', 2, (ref) => [line(2, [node('b', 'a', 'other')], 'c', ref)]],
  ['nodes in a circle', 'cycle', 2, (ref) => [line(2, [node('x', 'y'), node('y', 'x')], 'x', ref)]],
  ['a replaced graph with a circle', 'cycle', 2, (ref) => [line(2, [node('x', 'x')], 'x', ref, { replace: true })]],
  ['a commit without a revision', 'malformedCommit', 1, (ref) => [{ ...line(2, [], 'c', ref), revision: 'two' }]],
]

export const damageCases: RuntimeCase[] = [
  ...FLAWS.map(
    ([name, reason, headRevision, later]): RuntimeCase => ({
      name: `${name} makes the graph unreadable, and nothing else`,
      async run(scene) {
        await logWith(scene, later)
        await isCorrupt(scene, reason, headRevision)
      },
    }),
  ),
  {
    name: 'a replaced graph heals what came before it',
    async run(scene) {
      const graph = [node('z')]
      await logWith(scene, (ref) => [
        line(5, [node('x', 'ghost')], 'x', ref),
        line(6, graph, 'z', ref, { replace: true }),
      ])
      const read = await load(scene.runtime)
      assert.deepEqual([read.headRevision, read.graph], [6, { nodes: graph, leafNodeId: 'z' }])
      await scene.runtime.commitRuntimeState(commit(6, append([node('y', 'z')], 'y')))
    },
  },
  {
    name: 'a log that begins behind revision 1 is not whole',
    async run(scene) {
      const { checkpointRef } = await commitG(scene.runtime)
      await scene.reopen(() => {
        const log = scene.log(KEY)
        const [header] = log.lines()
        fs.writeFileSync(log.file, `${header}\n${JSON.stringify(line(2, [node('a')], 'a', checkpointRef))}\n`)
      })
      await rejectsWithCode(scene.runtime.loadSession(FULL), 'ERR_LOG_CORRUPT', {
        reason: 'missingRevision',
        headRevision: 2,
      })
    },
  },
  {
    name: 'a last line that was cut counts for nothing, and nothing is glued to it',
    async run(scene) {
      const { runtime, reopen, log } = scene
      await commitG(runtime, { usageDeltas: [usage('turn', 'm', [1])] })
      await runtime.commitRuntimeState(commit(1, unchanged(), { usageDeltas: [usage('turn', 'm', [1])] }))
      const third = commit(2, append([node('d', 'c')], 'd'), { usageDeltas: [usage('turn', 'm', [1])] })
      await runtime.commitRuntimeState(third)
      let fragment = ''
      await reopen(() => {
        const bytes = log(KEY).bytes()
        const start = bytes.lastIndexOf('\n', -2) + 1
        const end = start + Math.floor((bytes.length - start) / 2)
        fragment = bytes.subarray(start, end).toString()
        fs.truncateSync(log(KEY).file, end)
      })
      const read = await load(runtime)
      assert.deepEqual([read.headRevision, read.tokenLedger], [2, [usage('turn', 'm', [2])]])
      assert.equal((await runtime.commitRuntimeState(third)).headRevision, 3)
      await reopen()
      const again = await load(runtime)
      assert.deepEqual([again.headRevision, again.graph.leafNodeId], [3, 'd'])
      assert.deepEqual(again.tokenLedger, [usage('turn', 'm', [3])])
      for (const text of log(KEY).lines()) if (text !== fragment) JSON.parse(text)
    },
  },
  {
    name: 'two histories in one file are one graph with two branches, in either order of their lines',
    async run(scene) {
      const { runtime, reopen, log } = scene
      await commitG(runtime, { usageDeltas: [usage('turn', 'm', [1])] })
      const base = log(KEY).text()
      const spent = { usageDeltas: [usage('turn', 'm', [10])] }
      await runtime.commitRuntimeState(commit(1, append([node('d', 'c')], 'd'), spent))
      const one = log(KEY).text().slice(base.length)
      await reopen(() => fs.writeFileSync(log(KEY).file, base))
      await runtime.commitRuntimeState(commit(1, append([node('e', 'c')], 'e'), spent))
      await runtime.commitRuntimeState(commit(2, unchanged('e'), spent))
      const two = log(KEY).text().slice(base.length)
      const reads = []
      for (const text of [base + one + two, base + two + one, base + two + one + one]) {
        await reopen(() => fs.writeFileSync(log(KEY).file, text))
        reads.push(await load(runtime))
      }
      for (const read of reads) {
        assert.deepEqual(idsOf(read.graph.nodes).sort(), ['a', 'b', 'c', 'd', 'e', 'r'])
        assert.deepEqual([read.headRevision, read.graph.leafNodeId], [3, 'e'])
        assert.deepEqual(read.tokenLedger, [usage('turn', 'm', [31])])
      }
      assert.deepEqual(await runtime.loadNode('d'), node('d', 'c'))
      assert.equal((await runtime.commitRuntimeState(commit(3, append([node('f', 'd')], 'f')))).headRevision, 4)
    },
  },
  {
    name: 'a node that both histories made alike is one node',
    async run(scene) {
      const { runtime, reopen, log } = scene
      await commitG(runtime)
      const base = log(KEY).text()
      await runtime.commitRuntimeState(commit(1, append([node('d', 'c')], 'd')))
      const one = log(KEY).text().slice(base.length)
      await reopen(() => fs.writeFileSync(log(KEY).file, base))
      await runtime.commitRuntimeState(commit(1, append([node('d', 'c'), node('e', 'd')], 'e')))
      await reopen(() => log(KEY).addBytes(one))
      const read = await load(runtime)
      assert.deepEqual(idsOf(read.graph.nodes).sort(), ['a', 'b', 'c', 'd', 'e', 'r'])
      assert.equal(read.headRevision, 2)
    },
  },
]
