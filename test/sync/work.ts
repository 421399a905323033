/** Random work on one session, through the store and through what else writes to logs. */

import fs from 'node:fs'
import { JsonlPersistence } from '../../src/contracts/persistence/index.js'
import { JsonlRuntimePersistence } from '../../src/contracts/runtime-persistence/index.js'
import { JsonlSessionManager } from '../../src/contracts/session-manager/index.js'
import type { Session, SessionStore } from '../../src/index.js'
import { reachOver } from '../../src/log/visibility.js'
import { rewriteLog } from '../../src/session/change/rewrite.js'
import { internalsOf } from '../../src/store/store.js'

export type Work = (session: Session, store: SessionStore, random: () => number) => Promise<unknown>

const NO_VARIANT = { standardContextApproach: null, modelVariant: null }
const TEXTS = ['hi', 'Zwölf Boxkämpfer', '写真を見て', 'a\nb', '👩‍👩‍👧 ok', '']
let made = 0

function text(random: () => number): string {
  return `${TEXTS[Math.floor(random() * TEXTS.length)]} ${made++}`
}

const append: Work = (session, _, random) =>
  session.append({ role: 'assistant', content: text(random), usage: { promptTokens: Math.floor(random() * 100) } })

/** Adds a node below a random one. */
const commit: Work = async (session, store, random) => {
  const runtime = new JsonlRuntimePersistence(store, session.key)
  const head = await runtime.loadSession({ kind: 'fullGraph' })
  const nodes = head?.graph.nodes ?? []
  const nodeId = `n${made++}`
  const parentNodeId = nodes[Math.floor(random() * nodes.length)]?.nodeId ?? null
  return runtime.commitRuntimeState({
    sessionId: session.key,
    expectedHeadRevision: head?.headRevision ?? null,
    config: { providerId: 'p', configuredModel: 'm', contextWindow: 0, executionMode: 'standard', ...NO_VARIANT },
    graph: {
      kind: 'append',
      nodes: [{ nodeId, parentNodeId, timestamp: 'now', kind: 'event', event: text(random) }],
      leafNodeId: nodeId,
    },
    checkpoint: {},
    usageDeltas: [
      {
        source: 'turn',
        model: 'm',
        usage: { inputTokens: 1 + Math.floor(random() * 9), outputTokens: 0, cachedInputTokens: 0, reasoningTokens: 0 },
      },
    ],
  })
}

export const vacuum: Work = (session, store) => new JsonlRuntimePersistence(store, session.key).vacuum()

export const WORK: Work[] = [
  append,
  append,
  (session, _, random) =>
    session.append([
      { role: 'user', content: text(random) },
      { role: 'assistant', content: null, toolCalls: `[{"id":"c${made}","name":"ls"}]` },
      { role: 'tool', toolCallId: `c${made}`, content: text(random) },
    ]),
  (session) => session.removeLast(),
  async (session, _, random) => {
    const ids = (await session.messages()).map(({ id }) => String(id))
    return ids.length > 0 && session.remove(ids[Math.floor(random() * ids.length)] as string)
  },
  (session, _, random) => session.setName(text(random)),
  (session) => session.tag([`t${made++}`]),
  (session, _, random) => session.setMetadata(`k${Math.floor(random() * 3)}`, text(random)),
  (session) => session.rewrite(),
  (session, store, random) =>
    new JsonlPersistence(store).compactSession(session.key, `summary ${made++}`, Math.floor(random() * 4)),
  (session, store) =>
    rewriteLog(internalsOf(store).log(session.key), {
      purges: (line, visibility) => reachOver(line, visibility) !== undefined,
    }),
  (session, store) => new JsonlSessionManager(store).tag(session.key, [`m${made++}`]),
  commit,
  commit,
  async (session, store, random) => {
    const nodes = await nodesOf(session, store)
    const node = nodes[Math.floor(random() * nodes.length)]
    return node && new JsonlRuntimePersistence(store, session.key).tombstoneNodes([node])
  },
  async (session) =>
    fs.appendFileSync(session.path, `${JSON.stringify({ role: 'user', content: `by hand ${made++}` })}\n`),
]

export async function workOn(
  session: Session,
  store: SessionStore,
  steps: number,
  random: () => number,
  what: readonly Work[] = [...WORK, vacuum],
): Promise<void> {
  for (let i = 0; i < steps; i++) await (what[Math.floor(random() * what.length)] as Work)(session, store, random)
}

/** The ids of the messages, in order. */
export async function idsOf(session: Session): Promise<string[]> {
  return (await session.messages()).map(({ id }) => String(id))
}

/** The ids of the live nodes of the session's graph. */
export async function nodesOf(session: Session, store: SessionStore): Promise<string[]> {
  const head = await new JsonlRuntimePersistence(store, session.key).loadSession({ kind: 'fullGraph' })
  return (head?.graph.nodes ?? []).map(({ nodeId }) => nodeId)
}

/** The input tokens of its ledger. */
export async function ledgerOf(session: Session, store: SessionStore): Promise<number> {
  const head = await new JsonlRuntimePersistence(store, session.key).loadSession({ kind: 'fullGraph' })
  return (head?.tokenLedger ?? []).reduce((sum, { usage }) => sum + usage.inputTokens, 0)
}
