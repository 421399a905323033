import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, test, vi } from 'vitest'
import { type GraphCommitDelta, JsonlRuntimePersistence } from '../../src/contracts/runtime-persistence/index.js'
import { openStore } from '../../src/index.js'
import { folder, run, runAll } from './run.js'

// Every test starts a few processes, on machines that are busy with other tests.
vi.setConfig({ testTimeout: 60_000 })

let root: string

beforeEach(async () => {
  root = join(await folder(), 'sessions')
})

const cli = (args: string[], options = {}) => run([...args, '--root', root], options)

async function agent<T>(work: (runtime: JsonlRuntimePersistence) => Promise<T>, key = 'alpha'): Promise<T> {
  const store = await openStore(root)
  try {
    return await work(new JsonlRuntimePersistence(store, key))
  } finally {
    await store.close()
  }
}

function commit(runtime: JsonlRuntimePersistence, expected: number | null, graph: GraphCommitDelta, state = 'x') {
  return runtime.commitRuntimeState({
    ...{ sessionId: 'alpha', expectedHeadRevision: expected, graph, usageDeltas: [] },
    config: {
      ...{ providerId: 'p', configuredModel: 'm', contextWindow: 0, executionMode: 'standard' },
      ...{ standardContextApproach: null, modelVariant: null },
    },
    checkpoint: { executionState: Buffer.from(state) },
  })
}

const node = (nodeId: string, parentNodeId: string | null, event: unknown = { text: `of ${nodeId}` }) =>
  ({ nodeId, ...(parentNodeId && { parentNodeId }), timestamp: 't', kind: 'event', event }) as never

const HOSTILE = 'evil\x1b[2J\u202e\nnode'
const NODES = [
  node('a', null),
  node('b', 'a'),
  node('c', 'b'),
  node('r', 'a'),
  node(HOSTILE, 'r', `x\x1b[31m${HOSTILE}`),
]

async function prepare(): Promise<void> {
  await agent(async (runtime) => {
    await commit(runtime, null, { kind: 'replaceFull', graph: { nodes: NODES, leafNodeId: 'c' } }, 'first')
    await commit(runtime, 1, { kind: 'append', nodes: [node('d', 'c')], leafNodeId: 'd' }, 'second, which is longer')
  })
}

test('graph draws the tree: branches, the active path, the leaf; hostile text is written out', async () => {
  await prepare()
  const { code, out, err } = await cli(['graph', 'alp'])
  expect([code, err]).toEqual([0, ''])
  expect(out.split('\n')).toEqual([
    'alpha  revision 2, 6 nodes, 4 on the active path',
    '● a  event: of a',
    '├─● b  event: of b',
    '│ ● c  event: of c',
    '│ ▶ d  event: of d',
    '└─○ r  event: of r',
    '  ○ evil\\x1b[2J\\u202e\\nnode  event: x\\x1b[31mevil\\x1b[2J\\u202e node',
    '',
  ])
})

test('graph --json gives live nodes, the path and what was marked', async () => {
  await prepare()
  await agent((runtime) => runtime.tombstoneNodes(['b', 'd']))
  const { out } = await cli(['graph', 'alpha', '--json'])
  expect(JSON.parse(out)).toEqual({
    ...{ key: 'alpha', revision: 2, leaf: 'c', path: ['a', 'c'], tombstoned: 2, divergences: [] },
    nodes: [NODES[0], node('c', 'a'), NODES[3], NODES[4]],
  })
  expect((await cli(['graph', 'alpha'])).out).toContain('4 nodes, 2 on the active path, 2 nodes deleted')
})

test('a session without commits has an empty graph, no blobs and nothing to do', async () => {
  const store = await openStore(root)
  await store.session('chat').append({ role: 'user', content: 'hi' })
  await store.close()
  expect((await cli(['graph', 'chat'])).out).toBe('chat  no commits\n')
  expect((await cli(['blobs', 'chat'])).out).toBe('0 blobs, 0 B; the head needs 0\n')
  expect((await cli(['gc', 'chat'])).out).toBe('chat: nothing to delete\n')
  expect((await cli(['vacuum', 'chat'])).out).toBe('chat: nothing to remove\n')
  expect((await cli(['gc', '--all'])).out).toBe('1 session: nothing to delete\n')
})

test('blobs lists the blobs, and gc deletes what the head does not need', async () => {
  await prepare()
  const listed = await cli(['blobs', 'alpha'])
  expect(listed.out).toMatch(/^BLOB +SIZE {2}NEEDED BY\n/)
  expect(listed.out.match(/the head$/gm)?.length).toBe(2)
  expect(listed.out.match(/nothing$/gm)?.length).toBe(2)
  const { blobs } = JSON.parse((await cli(['blobs', 'alpha', '--json'])).out)
  expect(blobs.map(({ needed }: { needed: boolean }) => needed).sort()).toEqual([false, false, true, true])
  expect((await cli(['gc', 'alpha', '--dry-run'])).out).toMatch(/^alpha: would delete 2 blobs, \d+ B\n$/)
  expect((await cli(['gc', '--all'])).out).toMatch(/^alpha: deleted 2 blobs, \d+ B\n$/)
  expect((await cli(['gc', '--all'])).out).toBe('1 session: nothing to delete\n')
  await agent(async (runtime) => expect((await runtime.loadSession({ kind: 'fullGraph' }))?.headRevision).toBe(2))
})

test('vacuum removes marked nodes', async () => {
  await prepare()
  await agent((runtime) => runtime.tombstoneNodes(['b', 'r']))
  const log = join(root, 'alpha.jsonl')
  const before = await readFile(log)
  expect((await cli(['vacuum', 'alpha', '--dry-run'])).out).toBe('alpha: would remove 2 nodes\n')
  expect(await readFile(log)).toEqual(before)
  expect((await cli(['vacuum', 'alpha'])).out).toBe('alpha: removed 2 nodes\n')
  expect((await cli(['vacuum', 'alpha'])).out).toBe('alpha: nothing to remove\n')
})

test('an unreadable head is exit code 1, and nothing is deleted', async () => {
  await prepare()
  const log = join(root, 'alpha.jsonl')
  const lines = (await readFile(log, 'utf8')).split('\n')
  await writeFile(log, lines.filter((line) => !line.includes('"revision":1,')).join('\n'))
  await rm(join(root, 'alpha.meta.json'))
  for (const args of [
    ['graph', 'alpha'],
    ['blobs', 'alpha'],
    ['gc', 'alpha'],
    ['gc', '--all'],
    ['vacuum', 'alpha'],
  ]) {
    const { code, out, err } = await cli(args)
    expect([args, code, out]).toEqual([args, 1, ''])
    expect(err).toMatch(/^jsonl-sessions: [^\n]*ERR_LOG_CORRUPT[^\n]*\n$/)
  }
})

test('check reports two merged histories, and a graph that cannot be read', async () => {
  await prepare()
  const log = join(root, 'alpha.jsonl')
  const text = await readFile(log, 'utf8')
  const last = JSON.parse(text.split('\n').at(-2)!)
  await writeFile(log, `${text}${JSON.stringify({ ...last, id: 'other', nodes: [node('e', 'c')], leaf: 'e' })}\n`)
  expect((await cli(['check', 'alpha'])).err).toContain('diverged-commits: two commits of revision 2\n')
  expect((await cli(['graph', 'alpha'])).err).toBe('two histories committed revision 2\n')
  await writeFile(log, `${text}${JSON.stringify({ ...last, id: 'other', revision: 7 })}\n`)
  const { code, out } = await cli(['check', 'alpha'])
  expect(code).toBe(1)
  expect(out).toContain('broken-graph: the graph of commits cannot be read: missingRevision\n')
})

test('wrong usage is 2, what is not there is 3', async () => {
  await prepare()
  const wrong = [['graph'], ['blobs'], ['vacuum'], ['gc'], ['gc', 'alpha', '--all'], ['graph', 'a', 'b']]
  const results = await runAll(wrong.map((args) => [...args, '--root', root]))
  results.forEach(({ code, out, err }, i) => {
    expect([wrong[i], code, out]).toEqual([wrong[i], 2, ''])
    expect(err).toMatch(/^jsonl-sessions: [^\n]+\n$/)
  })
  for (const args of [
    ['graph', 'x'],
    ['blobs', 'x'],
    ['vacuum', 'x'],
    ['gc', 'x'],
  ]) {
    expect(await cli(args)).toEqual({ code: 3, out: '', err: 'jsonl-sessions: no session x\n' })
  }
})
