/**
 * The contract `RuntimePersistence`: graph, checkpoint, configuration and token ledger of one agent runtime.
 * @module contracts/runtime-persistence/api
 */
import { checkText, checkTexts } from '../../base/arguments.js'
import { SessionError } from '../../base/errors.js'
import { isObject, jsonEqual } from '../../base/json.js'
import { blobError, collectBlobs } from '../../graph/garbage-collection.js'
import { checkReadable, GraphLog } from '../../graph/graph-log.js'
import { nodesIn } from '../../graph/node-records.js'
import { vacuumLog } from '../../graph/vacuum.js'
import type { LedgerRow, NodeRecord } from '../../log/graph/commit-line.js'
import { emptyGraph, type GraphHead } from '../../log/graph/graph.js'
import { effectiveLeaf, isLiveNode, LiveAncestors, pathTo } from '../../log/graph/views.js'
import { MAX_LINE_BYTES } from '../../log/serialize.js'
import { commitDraft, metaDraft, tombstoneDraft } from '../../session/log/pending-line.js'
import { type AnyStore, internalsOf } from '../../store/store.js'
import { checkGraph, checkLedger, invalid } from './check-commit.js'
import { type NamedBlobs, nameBlobs, readCheckpoint } from './checkpoint.js'
import { checkCommit, checkMeta, checkScope, commitFields } from './parse-arguments.js'
import { configFrom, metaFrom } from './records.js'
import { redactedCommit } from './redacted-commit.js'
import type {
  BlobInfo,
  GcReport,
  GraphInspection,
  PersistedSessionRead,
  RuntimeCommit,
  RuntimeCommitResult,
  RuntimePersistence,
  SessionMeta,
  SessionNodeRecord,
  SessionReadScope,
  VacuumReport,
} from './types.js'

export * from './state.js'
export * from './types.js'

/** What a commit line is longer than its body at most: type, id and time. */
const STAMP_BYTES = 128
/** How often a load starts over because the head goes on and its blobs go. */
const MAX_ATTEMPTS = 50

/** A head and what readers see of its graph. */
interface ReadGraph {
  head: GraphHead
  nodes: NodeRecord[]
  leaf: string | null
  ledger: LedgerRow[]
}

/** `RuntimePersistence` over one session of a store. */
export class JsonlRuntimePersistence implements RuntimePersistence {
  readonly #session: GraphLog

  /** Looks at no file. @throws TypeError, SessionError ERR_INVALID_KEY */
  constructor(store: AnyStore, sessionKey: string) {
    this.#session = new GraphLog(internalsOf(store).log(sessionKey))
  }

  async loadSession(scope: SessionReadScope): Promise<PersistedSessionRead | null> {
    const leaf = checkScope(scope)
    this.#checkOpen()
    for (let attempt = 1; ; attempt++) {
      const read = leaf === undefined ? await this.#fullGraph() : await this.#activePath(leaf)
      if (!read) return null
      try {
        return await this.#hydrated(read)
      } catch (error) {
        const isGone = error instanceof SessionError && error.code === 'ERR_BLOB_NOT_FOUND'
        if (!isGone || attempt === MAX_ATTEMPTS || (await this.#isHead(read.head))) throw error
      }
    }
  }

  async #fullGraph(): Promise<ReadGraph | null | undefined> {
    const whole = await this.#session.whole((graph): Omit<ReadGraph, 'nodes'> | null => {
      checkReadable(graph)
      const { head } = graph
      return head && { head, leaf: effectiveLeaf(graph), ledger: [...graph.ledger.values()] }
    })
    return whole?.taken && { ...whole.taken, nodes: whole.nodes }
  }

  #activePath(leafNodeId: string | null): Promise<ReadGraph | null | undefined> {
    return this.#session.reading(async (reader, graph) => {
      checkReadable(graph)
      const { head } = graph
      if (head === null) return null
      if (leafNodeId !== null && !isLiveNode(graph, leafNodeId)) {
        throw invalid({ reason: 'missingLeaf', nodeId: leafNodeId })
      }
      const leaf = leafNodeId ?? effectiveLeaf(graph)
      const path = pathTo(graph, leaf)
      const ledger = [...graph.ledger.values()]
      const parents = path.map((_, i) => path[i - 1] ?? null)
      const nodes = await nodesIn(reader, graph, path, parents)
      return { head, nodes: nodes ?? changed(), leaf, ledger }
    })
  }

  async #isHead({ revision, id }: GraphHead): Promise<boolean> {
    const now = await this.#session.reading((_, { head }) => head)
    return now?.revision === revision && now.id === id
  }

  async #hydrated({ head, nodes, leaf, ledger }: ReadGraph): Promise<PersistedSessionRead> {
    return {
      sessionId: this.#session.log.key,
      headRevision: head.revision,
      config: configFrom(head.config),
      graph: { nodes: nodes as unknown as SessionNodeRecord[], leafNodeId: leaf },
      checkpointRef: head.checkpoint,
      checkpoint: await readCheckpoint(this.#session.blobs, head.checkpoint),
      tokenLedger: ledger.map(({ source, model, usage }) => ({ source, model, usage: { ...usage } })),
    }
  }

  async loadNode(nodeId: string): Promise<SessionNodeRecord | null> {
    checkText('nodeId', nodeId)
    this.#checkOpen()
    const record = await this.#session.reading(async (reader, graph) => {
      checkReadable(graph)
      if (!isLiveNode(graph, nodeId)) return null
      const parent = new LiveAncestors(graph).of(graph.nodes.get(nodeId)?.parent ?? null)
      const nodes = await nodesIn(reader, graph, [nodeId], [parent])
      return (nodes ?? changed())[0] ?? null
    })
    return (record ?? null) as SessionNodeRecord | null
  }

  async commitRuntimeState(commit: RuntimeCommit): Promise<RuntimeCommitResult> {
    const given = redactedCommit(checkCommit(commit), this.#session.log.redaction())
    this.#checkOpen()
    this.#checkBinding(given.sessionId)
    return this.#session.transact(async (graph, summary) => {
      const named = await nameBlobs(given)
      const revision = checkGraph(given, graph ?? emptyGraph(), summary, this.#session.log.file.path)
      this.#checkRefs(named, graph !== undefined)
      checkLedger(given.usage, graph ?? emptyGraph())
      const { value, body } = commitFields(given, this.#session.log.key, revision, named.ref)
      this.#checkLength(body)
      await this.#write(named)
      const result = { headRevision: revision, checkpointRef: named.ref, manifest: named.manifest }
      return { drafts: [{ ...commitDraft(value, body), isRedacted: true }], result }
    })
  }

  /** What lies in the folder of a missing session is left over from an earlier one. */
  #checkRefs({ kept }: NamedBlobs, isSession: boolean): void {
    for (const { ref, component } of kept) {
      if (!isSession || !this.#session.blobs.has(ref)) throw blobError('ERR_BLOB_NOT_FOUND', ref, component)
    }
  }

  #checkLength(body: string): void {
    const limit = Math.min(this.#session.log.context.settings.maxMessageBytes, MAX_LINE_BYTES)
    const bytes = Buffer.byteLength(body) + STAMP_BYTES
    if (bytes > limit)
      throw new SessionError('ERR_TOO_LARGE', `the commit would be ${bytes} bytes long`, { bytes, limit })
  }

  async #write({ bodies, ref, bytes }: NamedBlobs): Promise<void> {
    const { blobs, log } = this.#session
    let isNew = log.context.settings.fsync === 'always'
    for (const body of blobs.unsure([...bodies, { ref, bytes }]))
      if (await blobs.put(body.ref, body.bytes)) isNew = true
    if (isNew) blobs.settle()
  }

  async saveSessionMeta(meta: SessionMeta): Promise<void> {
    const { sessionId, record } = checkMeta(meta)
    this.#checkOpen()
    this.#checkBinding(sessionId)
    await this.#session.log.transact((summary) => {
      const isSaved = jsonEqual(summary?.labels.runtimeMeta, record)
      return { drafts: isSaved ? [] : [metaDraft({ runtimeMeta: record })], result: undefined }
    })
  }

  async loadSessionMeta(): Promise<SessionMeta | null> {
    this.#checkOpen()
    const record = (await this.#session.log.current())?.summary.labels.runtimeMeta
    return isObject(record) ? metaFrom(record) : null
  }

  async tombstoneNodes(ids: string[]): Promise<void> {
    checkTexts('ids', ids)
    const given = new Set(ids)
    await this.#session.transactExisting((graph, summary) => {
      if (graph === undefined || summary === undefined) return { drafts: [], result: undefined }
      checkReadable(graph)
      const marked = [...given].filter((id) => isLiveNode(graph, id))
      return { drafts: marked.length === 0 ? [] : [tombstoneDraft(marked)], result: undefined }
    })
  }

  async vacuum(): Promise<VacuumReport> {
    return { removedNodeCount: await vacuumLog(this.#session) }
  }

  async gcUnreachable(): Promise<GcReport> {
    const { roots, retained, deleted } = await collectBlobs(this.#session)
    return { rootCount: roots, retainedBlobCount: retained.length, deletedBlobCount: deleted.length }
  }

  /**
   * The whole graph for people, without checkpoint and ledger; beyond the contract.
   * @throws SessionError ERR_LOG_CORRUPT
   */
  async inspect(): Promise<GraphInspection> {
    this.#checkOpen()
    const whole = await this.#session.whole((graph): Omit<GraphInspection, 'nodes'> => {
      checkReadable(graph)
      const leafNodeId = effectiveLeaf(graph)
      return {
        headRevision: graph.head?.revision ?? 0,
        leafNodeId,
        activePath: pathTo(graph, leafNodeId),
        tombstonedNodeCount: graph.tombstoned.size,
        divergedRevisions: [...graph.divergences],
      }
    })
    if (whole === undefined)
      return {
        ...{ headRevision: 0, leafNodeId: null, activePath: [], tombstonedNodeCount: 0, divergedRevisions: [] },
        nodes: [],
      }
    return { ...whole.taken, nodes: whole.nodes as unknown as SessionNodeRecord[] }
  }

  /**
   * The blobs beside the log, and which of them the head reaches: `gcUnreachable` deletes the others. Beyond the
   * contract.
   * @throws SessionError ERR_LOG_CORRUPT, ERR_BLOB_NOT_FOUND, ERR_BLOB_CORRUPT when the head is uncertain
   */
  async blobs(): Promise<BlobInfo[]> {
    const { retained } = await collectBlobs(this.#session, { dryRun: true })
    const reached = new Set(retained)
    const { blobs } = this.#session
    return blobs.list().refs.map((ref) => ({ ref, bytes: blobs.size(ref) ?? 0, isReached: reached.has(ref) }))
  }

  #checkOpen(): void {
    this.#session.log.context.checkOpen()
  }

  #checkBinding(attemptedSessionId: string): void {
    const boundSessionId = this.#session.log.key
    if (attemptedSessionId === boundSessionId) return
    const message = `this is bound to session \`${boundSessionId}\` and not for \`${attemptedSessionId}\``
    throw new SessionError('ERR_SESSION_BINDING_MISMATCH', message, { boundSessionId, attemptedSessionId })
  }
}

function changed(): never {
  throw Object.assign(new Error('the log changed while it was read'), { code: 'EIO' })
}
