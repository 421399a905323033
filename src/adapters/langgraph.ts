/**
 * `jsonl-sessions/adapters/langgraph`: the checkpoints of a graph, a log for each thread.
 * @module adapters/langgraph
 */
import type { RunnableConfig } from '@langchain/core/runnables'
import {
  BaseCheckpointSaver,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointListOptions,
  type CheckpointMetadata,
  type CheckpointPendingWrite,
  type CheckpointTuple,
  copyCheckpoint,
  getCheckpointId,
  maxChannelVersion,
  type PendingWrite,
  type SerializerProtocol,
  TASKS,
  WRITES_IDX_MAP,
} from '@langchain/langgraph-checkpoint'
import { checkCount, checkNames, checkText } from '../base/arguments.js'
import { type Json, jsonEqual } from '../base/json.js'
import type { Session } from '../session/session.js'
import { AdapterSessions } from './shared/adapter-sessions.js'
import { CheckpointLog, placesIn } from './shared/checkpoint-log.js'
import type { GivenStore } from './shared/given-store.js'
import { KeyedTurns } from './shared/keyed-turns.js'
import { fromTyped, type StoredWrite, toTyped } from './shared/stored-checkpoint.js'

export interface JsonlCheckpointSaverOptions {
  /** Stands before the thread id in the key of the session; `langgraph_` unless given. */
  prefix?: string
  serde?: SerializerProtocol
  /** So many checkpoints of a namespace are kept, with the checkpoints that they share values with. Default: all. */
  keep?: number
}

/** Where a checkpoint is. */
interface Place {
  thread: string
  namespace: string
}

/** `BaseCheckpointSaver` of `@langchain/langgraph-checkpoint` over a store. A channel's value is stored once. */
export class JsonlCheckpointSaver extends BaseCheckpointSaver {
  readonly #sessions: AdapterSessions
  readonly #turns = new KeyedTurns()
  readonly #keep: number | undefined

  /** @throws TypeError, RangeError */
  constructor(store: GivenStore, options?: JsonlCheckpointSaverOptions) {
    const {
      prefix = 'langgraph_',
      serde,
      keep,
    } = checkNames('JsonlCheckpointSaver', options, ['prefix', 'serde', 'keep'])
    super(serde)
    if (keep !== undefined) checkCount('keep', keep)
    this.#keep = keep
    this.#sessions = new AdapterSessions(store, prefix)
  }

  async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    const place = placeIn(config)
    if (place === undefined) return undefined
    return this.#turns.run(place.thread, async () => {
      const checkpoints = await this.#checkpoints(place)
      const id = getCheckpointId(config) || (await checkpoints.ids()).at(-1)
      return id === undefined ? undefined : this.#tuple(checkpoints, place, id)
    })
  }

  async *list(config: RunnableConfig, options: CheckpointListOptions = {}): AsyncGenerator<CheckpointTuple> {
    const { thread_id, checkpoint_ns: namespace, checkpoint_id: only } = config.configurable ?? {}
    const before = options.before?.configurable?.checkpoint_id
    let left = options.limit ?? Number.POSITIVE_INFINITY
    await this.#turns.settled()
    for (const thread of thread_id === undefined ? await this.#sessions.keys() : [textOf('thread_id', thread_id)]) {
      const session = await this.#session(thread)
      for (const { id, namespace: ns } of await placesIn(session)) {
        if (left <= 0) return
        if ((namespace !== undefined && ns !== namespace) || (only && id !== only) || (before && id >= before)) continue
        const tuple = await this.#tuple(new CheckpointLog(session, ns), { thread, namespace: ns }, id, options.filter)
        if (tuple === undefined) continue
        left--
        yield tuple
      }
    }
  }

  async put(
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: ChannelVersions,
  ): Promise<RunnableConfig> {
    const place = placeIn(config) ?? missing('put a checkpoint', 'thread_id')
    const { channel_values, ...head } = copyCheckpoint(checkpoint)
    const parent: string | undefined = config.configurable?.checkpoint_id
    const versions = new Map(Object.entries(head.channel_versions))
    const channels = Object.keys(channel_values).map((channel) => ({
      channel,
      version: versions.get(channel),
      isNew: Object.hasOwn(newVersions, channel),
    }))
    // all is serialised before anything is waited for
    const typed = this.#allToTyped([head, metadata, ...Object.values(channel_values)])
    await this.#turns.run(place.thread, async () => {
      const [storedHead, storedMetadata, ...contents] = (await typed) as [Json, Json, ...Json[]]
      const checkpoints = await this.#checkpoints(place)
      const given = channels.map((one, i) => ({ ...one, content: contents[i] as Json }))
      await checkpoints.put(head.id, {
        ...(parent !== undefined && { parent }),
        checkpoint: storedHead,
        ...(await checkpoints.placed({ id: head.id, parent }, given)),
        metadata: storedMetadata,
      })
      if (this.#keep !== undefined) await checkpoints.dropOld(this.#keep)
    })
    return configOf(place, head.id)
  }

  async putWrites(config: RunnableConfig, writes: PendingWrite[], taskId: string): Promise<void> {
    const place = placeIn(config) ?? missing('put writes', 'thread_id')
    const id: string = config.configurable?.checkpoint_id ?? missing('put writes', 'checkpoint_id')
    const indices = writes.map(([channel], position) =>
      Object.hasOwn(WRITES_IDX_MAP, channel) ? (WRITES_IDX_MAP[channel] as number) : position,
    )
    const channels = writes.map(([channel]) => String(channel))
    const typed = this.#allToTyped(writes.map(([, value]) => value))
    await this.#turns.run(place.thread, async () => {
      const contents = await typed
      const added = contents.map((content, i): StoredWrite => [indices[i] as number, channels[i] as string, content])
      await (await this.#checkpoints(place)).addWrites(id, taskId, added)
    })
  }

  async deleteThread(threadId: string): Promise<void> {
    const thread = textOf('thread_id', threadId)
    await this.#turns.run(thread, async () => (await this.#session(thread)).delete())
  }

  #session(thread: string): Promise<Session> {
    return this.#sessions.write(thread, (session) => session)
  }

  async #checkpoints({ thread, namespace }: Place): Promise<CheckpointLog> {
    return new CheckpointLog(await this.#session(thread), namespace)
  }

  /** A rejection is the caller's that waits for it, also when it comes before that. */
  #allToTyped(values: readonly unknown[]): Promise<Json[]> {
    const typed = Promise.all(values.map(async (value) => toTyped(...(await this.serde.dumpsTyped(value)))))
    typed.catch(() => {})
    return typed
  }

  async #fromTyped(stored: Json): Promise<unknown> {
    return this.serde.loadsTyped(...fromTyped(stored))
  }

  /** Undefined where there is none, or its metadata is not as the filter wants. */
  async #tuple(
    checkpoints: CheckpointLog,
    place: Place,
    id: string,
    filter: Record<string, unknown> = {},
  ): Promise<CheckpointTuple | undefined> {
    const stored = await checkpoints.stored(id)
    if (stored === undefined) return undefined
    const metadata = (await this.#fromTyped(stored.metadata)) as CheckpointMetadata
    if (!fits(metadata, filter)) return undefined
    const checkpoint = (await this.#fromTyped(stored.checkpoint)) as Checkpoint
    const values: Array<[string, unknown]> = []
    for (const [channel, content] of await checkpoints.contentsOf(stored))
      values.push([channel, await this.#fromTyped(content)])
    checkpoint.channel_values = Object.fromEntries(values)
    if (checkpoint.v < 4 && stored.parent !== undefined) await this.#addSends(checkpoint, checkpoints, stored.parent)
    return {
      config: configOf(place, id),
      checkpoint,
      metadata,
      ...(stored.parent !== undefined && { parentConfig: configOf(place, stored.parent) }),
      pendingWrites: await this.#writes(checkpoints, id),
    }
  }

  /** Before version 4 of checkpoints, what tasks send stood in the writes of the parent. */
  async #addSends(checkpoint: Checkpoint, checkpoints: CheckpointLog, parent: string): Promise<void> {
    const writes = await this.#writes(checkpoints, parent)
    const versions = Object.values(checkpoint.channel_versions)
    checkpoint.channel_values[TASKS] = writes.filter(([, channel]) => channel === TASKS).map(([, , value]) => value)
    checkpoint.channel_versions[TASKS] =
      versions.length > 0 ? maxChannelVersion(...versions) : this.getNextVersion(undefined)
  }

  async #writes(checkpoints: CheckpointLog, id: string): Promise<CheckpointPendingWrite[]> {
    const writes: CheckpointPendingWrite[] = []
    for (const [task, stored] of await checkpoints.writesOf(id))
      for (const [, channel, content] of stored) writes.push([task, channel, await this.#fromTyped(content)])
    return writes
  }
}

function placeIn({ configurable }: RunnableConfig): Place | undefined {
  const { thread_id, checkpoint_ns = '' } = configurable ?? {}
  if (thread_id === undefined) return undefined
  return { thread: textOf('thread_id', thread_id), namespace: textOf('checkpoint_ns', checkpoint_ns) }
}

function textOf(name: string, value: unknown): string {
  checkText(name, value)
  return value
}

function configOf({ thread, namespace }: Place, id: string): RunnableConfig {
  return { configurable: { thread_id: thread, checkpoint_ns: namespace, checkpoint_id: id } }
}

function fits(metadata: CheckpointMetadata, filter: Record<string, unknown>): boolean {
  const fields = metadata as unknown as Record<string, Json>
  return Object.entries(filter).every(([key, value]) => jsonEqual(fields[key], value as Json))
}

function missing(work: string, name: string): never {
  throw new Error(`cannot ${work}: the config names no "${name}" in its "configurable"`)
}
