/**
 * The work of a soak: all contracts, on sessions that all processes share, and on sessions of one worker alone, whose
 * contents must be exactly what the lane made them.
 */
import assert from 'node:assert/strict'
import { JsonlPersistence } from '../../dist/lib/persistence.js'
import { JsonlRuntimePersistence } from '../../dist/lib/runtime-persistence.js'
import { JsonlSessionBackend } from '../../dist/lib/session-backend.js'
import { JsonlSessionManager } from '../../dist/lib/session-manager.js'

/** What other processes may have done to a shared session meanwhile. */
const EXPECTED = new Set([
  'ERR_SESSION_NOT_FOUND',
  'ERR_SESSION_EXISTS',
  'ERR_SESSION_CHANGED',
  'ERR_MESSAGE_NOT_FOUND',
  'ERR_TURN_MISMATCH',
  'ERR_HEAD_REVISION_CONFLICT',
])
const SHARED = 12
/** The most messages of a session of a lane. */
const MANY = 150
/** A graph begins anew after this revision. */
const LAST_REVISION = 2 * MANY
const CONFIG = {
  ...{ providerId: 'provider', configuredModel: 'model', contextWindow: 1_000, executionMode: 'standard' },
  ...{ standardContextApproach: null, modelVariant: null },
}

export function isExpected(error) {
  return EXPECTED.has(error?.code)
}

/** One of the lines of work of a process. */
export class Lane {
  #state
  #count = 0
  /** What the session of this lane alone holds. */
  #own = []
  #saved
  #revision = null
  #nodes = 0
  #agent

  /** `store` returns the store of the moment. */
  constructor(name, seed, store) {
    this.name = name
    this.#state = seed * 7919 + 1
    this.store = store
    this.own = `own-${name}`
    this.trip = `trip-${name}`
    this.graph = `graph-${name}`
  }

  get backend() {
    return new JsonlSessionBackend(this.store())
  }

  get persistence() {
    return new JsonlPersistence(this.store())
  }

  get manager() {
    return new JsonlSessionManager(this.store())
  }

  random(n) {
    this.#state = (this.#state * 1103515245 + 12345) % 2147483648
    return Math.floor((this.#state / 2147483648) * n)
  }

  message() {
    const content = `${this.name}-${this.#count++} ${'x'.repeat([10, 200, 4_000, 60_000][this.random(4)])}`
    return { role: 'user', content }
  }

  /** One of the sessions that everybody works on. */
  shared() {
    return this.store().session(`shared-${this.random(SHARED)}`)
  }

  /** Begins with nothing of an earlier life of the same name. Cleanups pass over what is pinned. */
  async begin() {
    for (const key of [this.own, this.trip, this.graph]) await this.store().session(key).delete()
    for (const key of [this.own, this.graph]) await this.store().session(key).tag(['pinned'])
  }

  /** One piece of work; returns its name. */
  async step() {
    const [, name, work] = chosen(this.random(TOTAL))
    try {
      await work(this)
    } catch (error) {
      if (!isExpected(error)) throw Object.assign(error, { message: `${name}: ${error?.message}` })
    }
  }

  /** Everything that this lane alone wrote is there, in order, and nothing else. */
  async check() {
    const store = this.store()
    const own = await store.session(this.own).messages()
    assert.deepEqual(
      own.map(({ content }) => content),
      this.#own,
      `${this.own} is what was written`,
    )
    assert.equal((await this.backend.getSessionMetadata(this.own)).messageCount, this.#own.length)
    if (this.#saved !== undefined) {
      const { messages, state } = await this.manager.resume(this.trip)
      assert.deepEqual({ messages, state }, this.#saved, `${this.trip} is what was saved`)
    }
    if (this.#revision !== null) {
      const read = await new JsonlRuntimePersistence(store, this.graph).loadSession({ kind: 'fullGraph' })
      const ids = read.graph.nodes.map(({ nodeId }) => nodeId)
      assert.equal(read.headRevision, this.#revision, `${this.graph} has the last commit`)
      assert.deepEqual(
        ids,
        Array.from({ length: this.#nodes }, (_, i) => `n${i}`),
      )
    }
  }

  async append() {
    const messages = Array.from({ length: 1 + this.random(3) }, () => this.message())
    await this.store().session(this.own).append(messages)
    this.#own.push(...messages.map(({ content }) => content))
    if (this.#own.length <= MANY) return
    await this.store().session(this.own).rewind({ keep: 20 })
    this.#own.length = 20
    await this.store().session(this.own).rewrite()
  }

  async takeBack() {
    if (await this.backend.removeLast(this.own)) this.#own.pop()
  }

  /** Removes some message and brings it back, which puts it at the end. */
  async removeAndRestore() {
    const session = this.store().session(this.own)
    const messages = await session.messages()
    if (messages.length === 0) return
    const at = this.random(messages.length)
    assert.equal(await session.remove(messages[at].id), 1)
    await session.restore(messages[at].id)
    this.#own.push(...this.#own.splice(at, 1))
  }

  async converse() {
    this.#agent ??= await this.persistence.createSession('coder', '/project')
    try {
      await this.#converse(this.persistence, this.#agent)
    } catch (error) {
      // a cleanup of another process may have taken it
      this.#agent = undefined
      throw error
    }
  }

  async #converse(persistence, id) {
    const usage = { promptTokens: 3, completionTokens: 1 }
    await persistence.insertMessage(id, this.message())
    const toolCalls = JSON.stringify([{ id: `t${this.#count}`, name: 'ls' }])
    await persistence.insertMessageWithAgent(id, { role: 'assistant', toolCalls, usage, agentName: 'a' })
    await persistence.hasPendingToolCalls(id)
    await persistence.insertMessage(id, { role: 'tool', toolCallId: `t${this.#count}`, content: 'done' })
    await persistence.setTodo(id, `${this.#count}`)
    await persistence.loadContext(id)
    await persistence.sessionTokenUsage(id)
    if (this.random(5) === 0) await persistence.compactSession(id, 'so far', 2)
    if (this.random(20) > 0) return
    await persistence.deleteSession(id)
    this.#agent = undefined
  }

  async save() {
    const { manager } = this
    const kept = this.#saved === undefined ? [] : this.#saved.messages.slice(0, this.random(MANY))
    const messages = [...kept, ...Array.from({ length: this.random(4) }, () => this.message())]
    const state = { step: this.#count }
    const metadata = { id: this.trip, name: 'trip', tags: ['pinned'], agentName: 'a', createdAt: 0, updatedAt: 0 }
    await manager.save({ metadata: { ...metadata, turnCount: 1, totalTokens: 2 }, messages, state })
    this.#saved = { messages, state }
    // a log that only grows would be read whole, and held in memory, at a growing length
    if (this.random(20) === 0) await this.store().session(this.trip).rewrite()
  }

  async fork() {
    if (this.#saved === undefined) return
    const { id } = await this.manager.fork(this.trip, 'a fork')
    await this.store().session(id).untag(['pinned'])
    await this.manager.tag(id, ['x'])
    await this.manager.rename(id, 'another')
    await this.manager.rewind(id, 0)
    await this.manager.delete(id)
  }

  async saveOverOthers() {
    const resumed = await this.manager.resume(`shared-${this.random(SHARED)}`)
    await this.manager.save({ ...resumed, messages: [...resumed.messages, this.message()] }, { resumed })
  }

  async commit() {
    if (this.#revision > LAST_REVISION) await this.#beginGraph()
    const runtime = new JsonlRuntimePersistence(this.store(), this.graph)
    const isFirst = this.#revision === null || this.#nodes > MANY
    const at = isFirst ? 0 : this.#nodes
    const parent = at === 0 ? {} : { parentNodeId: `n${at - 1}` }
    const event = this.message()
    const nodes = [{ nodeId: `n${at}`, ...parent, timestamp: '2026-11-24T08:00:00Z', kind: 'event', event }]
    const leafNodeId = `n${at}`
    const { headRevision } = await runtime.commitRuntimeState({
      sessionId: this.graph,
      expectedHeadRevision: this.#revision,
      config: CONFIG,
      graph: isFirst ? { kind: 'replaceFull', graph: { nodes, leafNodeId } } : { kind: 'append', nodes, leafNodeId },
      checkpoint: { executionState: Uint8Array.of(this.random(256), this.random(256)) },
      usageDeltas: [
        {
          source: 'turn',
          model: 'm',
          usage: { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, reasoningTokens: 0 },
        },
      ],
    })
    this.#revision = headRevision
    this.#nodes = at + 1
    if (isFirst) await runtime.vacuum()
    if (this.random(10) === 0) await runtime.gcUnreachable()
  }

  /** The graphs that were replaced stay in the log: it is begun anew after two of them. */
  async #beginGraph() {
    await this.store().session(this.graph).delete()
    await this.store().session(this.graph).tag(['pinned'])
    this.#revision = null
  }

  /** A graph that all processes commit to: only one of them wins each revision. */
  async commitTogether() {
    const runtime = new JsonlRuntimePersistence(this.store(), 'graph-shared')
    const read = await runtime.loadSession({ kind: 'activePath' })
    await runtime.commitRuntimeState({
      sessionId: 'graph-shared',
      expectedHeadRevision: read?.headRevision ?? null,
      config: CONFIG,
      graph: { kind: 'unchanged' },
      checkpoint: { executionState: Uint8Array.of(this.random(256)) },
      usageDeltas: [],
    })
    if (this.random(20) === 0) await runtime.vacuum()
    if (this.random(20) === 0) await runtime.gcUnreachable()
  }

  async turn() {
    const session = this.shared()
    const turn = `${this.name}-${this.#count++}`
    await session.setState('running', turn)
    await session.append(this.message())
    await session.setState(this.random(2) === 0 ? 'idle' : 'error', turn)
  }

  async cleanup() {
    const store = this.store()
    await store.cleanup({ olderThan: 3_000 })
    const [entry] = await store.trash()
    if (entry !== undefined && this.random(2) === 0) await store.restore(entry.id)
    await store.purgeTrash({ olderThan: 5_000 })
  }
}

const WORK = [
  [30, 'append to shared', (lane) => lane.backend.append(lane.shared().key, lane.message())],
  [25, 'append', (lane) => lane.append()],
  [5, 'removeLast', (lane) => lane.takeBack()],
  [3, 'remove, restore', (lane) => lane.removeAndRestore()],
  [6, 'check', (lane) => lane.check()],
  [3, 'rewrite of shared', (lane) => lane.shared().rewrite()],
  [3, 'removeLast of shared', (lane) => lane.shared().removeLast()],
  [2, 'rewind of shared', (lane) => lane.shared().rewind({ keep: 10 })],
  [6, 'turn', (lane) => lane.turn()],
  [2, 'setName', (lane) => lane.backend.setSessionName(lane.shared().key, `name ${lane.random(99)}`)],
  [3, 'messages', (lane) => lane.shared().messages()],
  [3, 'tail', (lane) => lane.shared().tail(5)],
  [2, 'list', (lane) => lane.store().list()],
  [1, 'search', (lane) => lane.store().search('text 1', { limit: 5 })],
  [1, 'running', (lane) => lane.store().running()],
  [1, 'recover', (lane) => lane.store().recover({ action: 'idle' })],
  [5, 'Persistence', (lane) => lane.converse()],
  [1, 'listSessions', (lane) => lane.persistence.listSessions(10, '/project')],
  [1, 'purgeCompacted', (lane) => lane.persistence.purgeCompacted(0)],
  [4, 'save', (lane) => lane.save()],
  [2, 'save over others', (lane) => lane.saveOverOthers()],
  [1, 'fork', (lane) => lane.fork()],
  [6, 'commit', (lane) => lane.commit()],
  [2, 'commit together', (lane) => lane.commitTogether()],
  [1, 'delete of shared', (lane) => lane.shared().delete()],
  [1, 'cleanup', (lane) => lane.cleanup()],
]
const TOTAL = WORK.reduce((sum, [weight]) => sum + weight, 0)

function chosen(dice) {
  let left = dice
  for (const row of WORK) {
    if (left < row[0]) return row
    left -= row[0]
  }
}
