/** What the API says of one session beside its lines, and of what runs. */

import { notFound } from '../../base/errors.js'
import { sleep } from '../../base/event-loop.js'
import { isObject, type Json } from '../../base/json.js'
import { nameIn } from '../../disk/given-names.js'
import { LogReader } from '../../disk/log/log-reader.js'
import type { StuckReason } from '../../disk/sidecar/sidecar-file.js'
import { checkReadable, type GraphLog } from '../../graph/graph-log.js'
import type { StoreInternals } from '../../list/store-internals.js'
import { type NodeRecord, parentOf } from '../../log/graph/commit-line.js'
import { effectiveLeaf, pathTo } from '../../log/graph/views.js'
import { runsNow } from '../../runs/running.js'
import type { Session } from '../../session/session.js'
import type { SessionStore } from '../../store/store.js'
import { logId } from '../log/log-view.js'
import { rowsOf } from './session-list.js'
import type { ContextPage, GraphAnswer, RunningAnswer, RunningTurn, SessionFacts } from './shapes.js'
import type { UsageFacts } from './usage.js'

const STUCK_MS = 300_000
const CONTEXT_MESSAGES = 500
const MAX_NODES = 2_000
const MAX_SHOWN = 100
/** How long a response waits for facts of other sessions, ms. */
const USAGE_MS = 300

/** @throws SessionError ERR_SESSION_NOT_FOUND */
export async function infoFor(
  store: StoreInternals,
  session: Session,
  usage: UsageFacts,
  { hasGraph, writable }: { hasGraph: boolean; writable: boolean },
): Promise<SessionFacts> {
  const { key } = session
  // the state of the log is then known to the list, too
  const state = await store.log(key).current()
  const [listed] = await store.index.named([store.log(key).name])
  if (listed === undefined) throw notFound(key)
  await Promise.race([usage.update(), sleep(USAGE_MS)])
  const [row] = rowsOf([listed])
  const { info, details } = listed
  const metadata = state?.summary.labels.metadata
  const { agents, parent, children } = usage.of(key)
  return {
    ...row!,
    turnId: info.turnId,
    turnStartedAt: info.turnStartedAt?.toISOString() ?? null,
    file: session.path,
    sidecar: session.sidecarPath,
    forkedFrom: details.forkedFrom,
    metadata: isObject(metadata) ? metadata : {},
    archived: { messages: details.archived.messages, bytes: details.archived.bytes },
    waiting: details.waiting,
    usage: agents,
    parent,
    children: children.map((child) => ({
      key: child,
      name: store.index.row(nameIn(store.context.layout, child))?.name ?? null,
      tokens: usage.tokensBelow(child),
    })),
    tokensWithChildren: usage.tokensBelow(key),
    hasGraph,
    log: (await LogReader.using(session.path, logId)) ?? '',
    writable,
  }
}

/** The last messages of what a model would see, in constant time for most logs. */
export async function contextPage(session: Session): Promise<ContextPage> {
  if ((await session.info()) === null) throw notFound(session.key)
  const messages = await session.context({ last: CONTEXT_MESSAGES })
  return { messages, whole: messages.length < CONTEXT_MESSAGES }
}

export async function graphOf(log: GraphLog, key: string): Promise<GraphAnswer> {
  const shown = await log.whole((graph) => {
    checkReadable(graph)
    const leaf = effectiveLeaf(graph)
    const [revision, divergences] = [graph.head?.revision ?? 0, [...graph.divergences]]
    return { revision, leaf, path: pathTo(graph, leaf), divergences }
  })
  if (shown === undefined) throw notFound(key)
  const nodes = shown.nodes.slice(-MAX_NODES).map((record) => ({
    id: record.nodeId,
    parent: parentOf(record),
    kind: typeof record.kind === 'string' ? record.kind : 'node',
    at: typeof record.timestamp === 'string' ? record.timestamp : null,
    text: excerptOf(record),
  }))
  const blobs = log.blobs
    .list()
    .refs.map((ref) => ({ ref, bytes: log.blobs.size(ref) ?? 0 }))
    .sort((a, b) => b.bytes - a.bytes)
  return { ...shown.taken, nodes, whole: shown.nodes.length <= MAX_NODES, blobs: blobs.slice(0, MAX_SHOWN) }
}

function excerptOf({ nodeId: _, parentNodeId: __, timestamp: ___, kind, ...rest }: NodeRecord): string {
  const payload: Json = (kind === 'event' ? rest.event : kind === 'plugin' ? rest.body : rest) ?? null
  const named = isObject(payload) ? (payload.text ?? payload.content) : payload
  return (typeof named === 'string' ? named : JSON.stringify(payload)).slice(0, 200)
}

export async function runningAnswer(
  store: SessionStore,
  parts: StoreInternals,
  stuck: ReadonlyMap<string, StuckReason>,
  writable: boolean,
): Promise<RunningAnswer> {
  const now = store.now()
  const rows = await store.running()
  const owners = new Map((await runsNow(parts)).map(({ log, run }) => [log.key, run.owner]))
  const running = rows.map((row): RunningTurn => {
    const owner = owners.get(row.key)
    const heard = owner && parts.context.runs.heardOf(owner)
    return {
      key: row.key,
      name: row.name,
      turnId: row.turnId,
      since: row.turnStartedAt?.toISOString() ?? '',
      runningMs: row.runningMs,
      owner: row.owner,
      silentMs: heard === undefined ? null : Math.max(0, Math.round(now - heard)),
      stuck:
        row.owner.liveness === 'dead'
          ? 'owner-dead'
          : (stuck.get(row.key) ?? (row.runningMs > STUCK_MS ? 'too-long' : null)),
    }
  })
  const sessions = await parts.index.sessions()
  const found = sessions.map(({ info }) => info)
  return {
    now: new Date(now).toISOString(),
    running: [...running.filter(({ stuck }) => stuck !== null), ...running.filter(({ stuck }) => stuck === null)],
    waiting: sessions.filter(({ details }) => details.waiting > 0).length,
    errors: found
      .filter(({ state }) => state === 'error')
      .slice(0, MAX_SHOWN)
      .map(({ key, name, lastActivity }) => ({ key, name, lastActivity: lastActivity.toISOString() })),
    damaged: found
      .filter(({ damaged }) => damaged > 0)
      .slice(0, MAX_SHOWN)
      .map(({ key, name, damaged }) => ({ key, name, damaged })),
    sessions: sessions.length,
    dir: store.dir,
    writable,
  }
}
