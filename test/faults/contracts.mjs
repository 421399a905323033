/**
 * Every contract with its operations. To add a contract, add an entry: how to open it on a store, what it leaves in
 * the folder that each operation begins with, what its readers return for a session, and its operations.
 *
 * An operation gets { store, face, scene } and may declare:
 *   reads      it changes nothing
 *   prefix     the session of whose added messages a crash may leave the first ones
 *   fragment   a failed write may leave damage
 *   reports    it returns failures in its result, and does not reject
 *   destroys   the session whose unreadable bytes it removes
 */
import fs from 'node:fs'
import { fileURLToPath } from 'node:url'

const dist = new URL('../../dist/lib/', import.meta.url)
const { importFile } = await import(new URL('import-export.js', dist))
/** Two messages of another tool. */
const source = fileURLToPath(new URL('import.jsonl', import.meta.url))
const message = (content) => ({ role: 'user', content })
const usage = { promptTokens: 7, completionTokens: 2 }

const idInTrash = async (store, key) => (await store.trash()).find((entry) => entry.key === key)?.id ?? ''

const operation = (run, traits = {}) => ({ run, ...traits })
const reading = (run) => operation(run, { reads: true })

const store = {
  name: 'SessionStore',
  open: (given) => given,
  async prepare(store, { old }) {
    const a = store.session('a')
    for (const text of ['1', '2', '3']) await a.append(message(text))
    await a.setName('name')
    await a.tag(['one'])
    await a.setMetadata('k', 'v')
    await a.setState('running', 'turn')
    const b = store.session('b')
    for (const text of ['1', '2', '3']) await b.append(message(text))
    await b.removeLast()
    fs.appendFileSync(b.path, 'DAMAGED-BYTES\n')
    await store.session('torn').append(message('1'))
    fs.appendFileSync(store.session('torn').path, '{"TORN-BYTES')
    await old.session('gone').append(message('1'))
    await new Promise((resolve) => setTimeout(resolve, 5))
    await old.cleanup({ olderThan: 0 })
    await old.session('idle').append(message('1'))
  },
  async tell(store, key) {
    const session = store.session(key)
    const texts = (await session.messages()).map(({ content }) => (content?.length > 100 ? content.length : content))
    const { name, tags, messages, damaged, state, turnId } = await session.info()
    return { name, tags, messages, damaged, state, turnId, texts, k: await session.getMetadata('k') }
  },
  operations: {
    open: reading(async ({ reopen }) => void (await reopen())),
    create: operation(({ store }) => store.session('new').append(message('n'))),
    'create of an encoded key': operation(({ store }) => store.session('New Key').append(message('n'))),
    append: operation(({ store }) => store.session('a').append(message('4'))),
    'append of 100 KB': operation(({ store }) => store.session('a').append(message('x'.repeat(100_000)))),
    'append of several': operation(({ store }) => store.session('a').append(['4', '5', '6'].map(message)), {
      prefix: 'a',
      fragment: true,
    }),
    'append behind a torn tail': operation(({ store }) => store.session('torn').append(message('4')), {
      fragment: true,
    }),
    'append behind damage': operation(({ store }) => store.session('b').append(message('4'))),
    removeLast: operation(({ store }) => store.session('a').removeLast()),
    remove: operation(async ({ store }) => {
      const [first] = await store.session('a').messages()
      return store.session('a').remove(first.id)
    }),
    replace: operation(async ({ store }) => {
      const [first] = await store.session('b').messages()
      await store.session('b').replace(first.id, message('other'))
    }),
    setName: operation(({ store }) => store.session('a').setName('other')),
    tag: operation(({ store }) => store.session('a').tag(['two'])),
    untag: operation(({ store }) => store.session('a').untag(['one'])),
    setMetadata: operation(({ store }) => store.session('a').setMetadata('k', 'w')),
    setState: operation(({ store }) => store.session('a').setState('error', 'turn')),
    'setState of a new session': operation(({ store }) => store.session('new').setState('running', 't')),
    'setState, exclusive': operation(({ store }) => store.session('b').setState('running', 't', { exclusive: true })),
    receive: operation(({ store }) => store.session('a').receive(message('4'), { ref: 'r' })),
    rewrite: operation(({ store }) => store.session('b').rewrite()),
    'rewrite of a torn log': operation(({ store }) => store.session('torn').rewrite(), { reads: true }),
    delete: operation(({ store }) => store.session('b').delete(), { destroys: 'DAMAGED-BYTES' }),
    cleanup: operation(({ store }) => store.cleanup({ olderThan: 500_000_000 }), { reports: true }),
    restore: operation(async ({ store }) => store.restore(await idInTrash(store, 'gone'))),
    fork: operation(async ({ store }) => (await store.fork('b', { as: 'copy' })).key),
    import: operation(async ({ store }) => {
      const { sessions } = await importFile(store, source)
      return sessions.map(({ key, error }) => [key, error?.code])
    }),
    close: operation(async ({ store }) => {
      await store.session('a').append(message('4'))
      await store.close()
    }),
    list: reading(async ({ store }) => (await store.list()).map(({ key, messages }) => [key, messages]).sort()),
    keys: reading(({ store }) => store.keys()),
    search: reading(async ({ store }) => (await store.search('1')).map(({ key }) => key).sort()),
    trash: reading(async ({ store }) => (await store.trash()).map(({ key }) => key)),
    messages: reading(async ({ store }) => (await store.session('a').messages()).map(({ content }) => content)),
    tail: reading(async ({ store }) => (await store.session('a').tail(2)).map(({ content }) => content)),
    check: reading(async ({ store }) => (await store.session('b').check())?.damage),
  },
}

const backend = {
  name: 'SessionBackend',
  module: 'session-backend.js',
  open: (store, { JsonlSessionBackend }) => new JsonlSessionBackend(store),
  async prepare(face) {
    await face.append('chat', message('hello'))
    await face.append('chat', message('again'))
    await face.setSessionState('chat', 'running', 't1')
  },
  async tell(face, key) {
    return (await face.load(key)).length
  },
  operations: {
    append: operation(({ face }) => face.append('chat', message('more'))),
    'append to a new key': operation(({ face }) => face.append('@ann:example.org', message('more'))),
    removeLast: operation(({ face }) => face.removeLast('chat')),
    setSessionState: operation(({ face }) => face.setSessionState('chat', 'idle', 't1')),
    setSessionName: operation(({ face }) => face.setSessionName('chat', 'Chat')),
    compact: operation(async ({ face }) => {
      await face.compact('b')
    }),
    deleteSession: operation(({ face }) => face.deleteSession('chat')),
    cleanupStale: operation(({ face }) => face.cleanupStale(24), { reports: true }),
    load: reading(async ({ face }) => (await face.load('chat')).map(({ content }) => content)),
    listSessions: reading(({ face }) => face.listSessions()),
    listStuckSessions: reading(({ face }) => face.listStuckSessions(0)),
  },
}

const persistence = {
  name: 'Persistence',
  module: 'persistence.js',
  open: (store, { JsonlPersistence }) => new JsonlPersistence(store),
  async prepare(face, { scene }) {
    const id = await face.createSession('coder', '/project')
    scene.agent = id
    await face.insertMessage(id, message('do it'))
    const toolCalls = JSON.stringify([{ id: 't1', name: 'ls' }])
    await face.insertMessage(id, { role: 'assistant', toolCalls, usage })
    await face.insertMessage(id, { role: 'tool', toolCallId: 't1', content: 'a b' })
    await face.insertMessage(id, { role: 'assistant', content: 'done', usage })
    await face.compactSession(id, 'was done', 1)
    await face.insertMessage(id, message('and now?'))
    await face.setTodo(id, 'nothing')
  },
  async tell(face, key) {
    const texts = (messages) => messages.map(({ role, kind, content }) => [kind ?? role, content])
    return {
      context: texts(await face.loadContext(key)),
      all: texts(await face.loadAllMessages(key)),
      usage: await face.sessionUsageByAgent(key),
      todo: await face.getTodo(key),
      pending: await face.hasPendingToolCalls(key),
    }
  },
  operations: {
    createSession: operation(async ({ face }) => void (await face.createSession('other', '/project'))),
    insertMessage: operation(({ face, scene }) => face.insertMessage(scene.agent, message('more'))),
    insertMessageWithAgent: operation(({ face, scene }) =>
      face.insertMessageWithAgent(scene.agent, { ...message('more'), usage, agentName: 'sub' }),
    ),
    compactSession: operation(({ face, scene }) => face.compactSession(scene.agent, 'all of it', 0)),
    purgeCompacted: operation(({ face }) => face.purgeCompacted(0)),
    setMetadata: operation(({ face, scene }) => face.setMetadata(scene.agent, 'k', 'v')),
    setTodo: operation(({ face, scene }) => face.setTodo(scene.agent, 'something')),
    deleteSession: operation(({ face, scene }) => face.deleteSession(scene.agent)),
    loadContext: reading(({ face, scene }) => face.loadContext(scene.agent)),
    listSessions: reading(({ face }) => face.listSessions(10, '/project')),
    recentUserMessages: reading(({ face }) => face.recentUserMessages(3)),
    sessionTokenUsage: reading(({ face, scene }) => face.sessionTokenUsage(scene.agent)),
    compactedStats: reading(({ face }) => face.compactedStats(0)),
  },
}

const metadata = {
  id: 'trip',
  name: 'Lisbon',
  tags: ['x'],
  agentName: 'p',
  createdAt: 5,
  updatedAt: 0,
  turnCount: 2,
  totalTokens: 9,
}

const manager = {
  name: 'SessionManager',
  module: 'session-manager.js',
  open: (store, { JsonlSessionManager }) => new JsonlSessionManager(store),
  async prepare(face) {
    await face.save({ metadata, messages: ['1', '2', '3', '4'].map(message), state: { step: 1 } })
  },
  async tell(face, key) {
    const { metadata, messages, state } = await face.resume(key)
    const { name, tags, turnCount, totalTokens, forkedFrom } = metadata
    return { name, tags, turnCount, totalTokens, forkedFrom: forkedFrom ?? null, messages: messages.length, state }
  },
  operations: {
    'save that adds': operation(
      ({ face }) => face.save({ metadata, messages: ['1', '2', '3', '4', '5', '6'].map(message), state: { step: 2 } }),
      { prefix: 'trip', fragment: true },
    ),
    'save that replaces': operation(
      ({ face }) => face.save({ metadata, messages: ['1', 'b', 'c'].map(message), state: { step: 2 } }),
      { prefix: 'trip', fragment: true },
    ),
    'save of a new session': operation(({ face }) =>
      face.save({ metadata: { ...metadata, id: 'walk' }, messages: ['1', '2'].map(message), state: null }),
    ),
    fork: operation(async ({ face }) => (await face.fork('trip')).name),
    rewind: operation(async ({ face }) => (await face.rewind('trip', 2)).messages.length),
    tag: operation(({ face }) => face.tag('trip', ['y'])),
    rename: operation(({ face }) => face.rename('trip', 'Porto')),
    delete: operation(({ face }) => face.delete('trip')),
    resume: reading(async ({ face }) => (await face.resume('trip')).messages),
    list: reading(async ({ face }) => (await face.list()).map(({ id, name }) => [id, name]).sort()),
  },
}

const GRAPH = 'graph'
const node = (nodeId, parentNodeId) => ({
  ...{ nodeId, parentNodeId, timestamp: '2026-11-24T08:00:00Z', kind: 'event', event: nodeId },
})
const commit = (expectedHeadRevision, graph, state) => ({
  ...{ sessionId: GRAPH, expectedHeadRevision, graph },
  config: { providerId: 'p', configuredModel: 'm', contextWindow: 0, executionMode: 'standard' },
  checkpoint: { toolState: { generation: 1, tools: {} }, executionState: Uint8Array.of(state) },
  usageDeltas: [{ source: 'turn', model: 'm', usage: { inputTokens: state } }],
})
const record = (sessionName) => ({ ...{ sessionId: GRAPH, sessionName, createdAt: '', model: 'm' } })

const runtime = {
  name: 'RuntimePersistence',
  module: 'runtime-persistence.js',
  open: (store, { JsonlRuntimePersistence }) => ({ store, of: (key) => new JsonlRuntimePersistence(store, key) }),
  async prepare(face) {
    const graph = face.of(GRAPH)
    const nodes = [node('a'), node('b', 'a'), node('c', 'b'), node('d', 'c')]
    const whole = { kind: 'replaceFull', graph: { nodes, leafNodeId: 'c' } }
    await graph.commitRuntimeState(commit(null, whole, 1))
    await graph.commitRuntimeState(commit(1, { kind: 'unchanged', leafNodeId: 'd' }, 2))
    await graph.tombstoneNodes(['b'])
    await graph.saveSessionMeta(record('name'))
    await face.of('binned').commitRuntimeState({ ...commit(null, whole, 4), sessionId: 'binned' })
    await face.store.session('binned').trash()
  },
  async tell(face, key) {
    const graph = face.of(key)
    const read = await graph.loadSession({ kind: 'fullGraph' })
    const nodes = read?.graph.nodes.map(({ nodeId, parentNodeId }) => [nodeId, parentNodeId ?? null])
    const state = read?.checkpoint?.executionState && [...read.checkpoint.executionState]
    const { headRevision, tokenLedger } = read ?? {}
    return {
      headRevision,
      nodes,
      leaf: read?.graph.leafNodeId,
      state,
      tokenLedger,
      meta: await graph.loadSessionMeta(),
    }
  },
  operations: {
    commit: operation(({ face }) =>
      face.of(GRAPH).commitRuntimeState(commit(2, { kind: 'append', nodes: [node('e', 'd')], leafNodeId: 'e' }, 3)),
    ),
    'commit that replaces': operation(({ face }) =>
      face
        .of(GRAPH)
        .commitRuntimeState(commit(2, { kind: 'replaceFull', graph: { nodes: [node('z')], leafNodeId: 'z' } }, 3)),
    ),
    'commit over another revision': operation(
      ({ face }) =>
        face
          .of(GRAPH)
          .commitRuntimeState(commit(1, { kind: 'unchanged' }, 3))
          .catch(({ code }) => {
            if (code !== 'ERR_HEAD_REVISION_CONFLICT') throw Object.assign(new Error(code), { code })
          }),
      { reads: true },
    ),
    tombstoneNodes: operation(({ face }) => face.of(GRAPH).tombstoneNodes(['c'])),
    // these two change files, and no answer
    vacuum: reading(({ face }) =>
      face
        .of(GRAPH)
        .vacuum()
        .then(() => null),
    ),
    gcUnreachable: reading(({ face }) =>
      face
        .of(GRAPH)
        .gcUnreachable()
        .then(() => null),
    ),
    'trash of a session with blobs': operation(({ store }) => store.session(GRAPH).trash().then(Boolean)),
    'restore of a session with blobs': operation(async ({ store }) => store.restore(await idInTrash(store, 'binned'))),
    'delete of a session with blobs': operation(({ store }) => store.session(GRAPH).delete()),
    saveSessionMeta: operation(({ face }) => face.of(GRAPH).saveSessionMeta(record('other'))),
    'saveSessionMeta of a new session': operation(({ face }) =>
      face.of('newgraph').saveSessionMeta({ ...record('new'), sessionId: 'newgraph' }),
    ),
    loadSession: reading(({ face }) =>
      face
        .of(GRAPH)
        .loadSession({ kind: 'activePath' })
        .then(({ graph }) => graph),
    ),
    loadNode: reading(({ face }) => face.of(GRAPH).loadNode('c')),
  },
}

/** Of the contracts in the list, those that the library has. */
export async function loadContracts() {
  const loaded = []
  for (const contract of [store, backend, persistence, manager, runtime]) {
    const file = contract.module && new URL(contract.module, dist)
    if (file && !fs.existsSync(file)) continue
    loaded.push({ ...contract, exports: file && (await import(file)) })
  }
  return loaded
}

export const faceOf = (contract, store) => contract.open(store, contract.exports)
