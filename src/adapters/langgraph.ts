/** `jsonl-sessions/adapters/langgraph`: the checkpoints of a graph, a log for each thread. */
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
import type { ValueToSet } from '../session/values/values.js'
import { type GivenStore, storeOf } from './shared/given-store.js'
import { joinedKey, unescapedPart } from './shared/joined-key.js'
import { fromTyped, type StoredCheckpoint, toTyped, valueOfChannel, whereStored } from './shared/stored-checkpoint.js'

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
  readonly #store: ReturnType<typeof storeOf>
  readonly #prefix: string
  readonly #keep: number | undefined

  /** @throws TypeError, RangeError */
  constructor(store: GivenStore, options?: JsonlCheckpointSaverOptions) {
    const {
      prefix = 'langgraph_',
      serde,
      keep,
    } = checkNames('JsonlCheckpointSaver', options, ['prefix', 'serde', 'keep'])
    super(serde)
    checkText('prefix', prefix)
    if (keep !== undefined) checkCount('keep', keep)
    this.#prefix = prefix
    this.#keep = keep
    this.#store = storeOf(store)
  }

  async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    const place = placeIn(config)
    if (place === undefined) return undefined
    const session = await this.#session(place.thread)
    const id = getCheckpointId(config) || (await idsIn(session, place.namespace)).at(-1)
    return id === undefined ? undefined : this.#tuple(session, place, id)
  }

  async *list(config: RunnableConfig, options: CheckpointListOptions = {}): AsyncGenerator<CheckpointTuple> {
    const { thread_id, checkpoint_ns: namespace, checkpoint_id: only } = config.configurable ?? {}
    const before = options.before?.configurable?.checkpoint_id
    let left = options.limit ?? Number.POSITIVE_INFINITY
    for (const thread of thread_id === undefined ? await this.#threads() : [textOf('thread_id', thread_id)]) {
      const session = await this.#session(thread)
      for (const { id, namespace: ns } of await placesIn(session)) {
        if (left <= 0) return
        if ((namespace !== undefined && ns !== namespace) || (only && id !== only) || (before && id >= before)) continue
        const tuple = await this.#tuple(session, { thread, namespace: ns }, id, options.filter)
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
    const { thread, namespace } = placeIn(config) ?? missing('put a checkpoint', 'thread_id')
    const { channel_values, ...head } = copyCheckpoint(checkpoint)
    const { id } = head
    const parent: string | undefined = config.configurable?.checkpoint_id
    const values = Object.entries(channel_values)
    // all is serialised before anything is waited for
    const typed = Promise.all([head, metadata, ...values.map(([, value]) => value)].map((one) => this.#toTyped(one)))
    const versions = new Map(Object.entries(head.channel_versions))
    const isNew = new Set(Object.keys(newVersions))
    const [storedHead, storedMetadata, ...contents] = (await typed) as [Json, Json, ...Json[]]
    const session = await this.#session(thread)
    const read = (other: string) => session.getValue<StoredCheckpoint>(nameOf(namespace, other))
    const channels: Array<[string, Json]> = []
    const held: Array<[string, string]> = []
    const former =
      parent !== undefined && values.some(([channel]) => !isNew.has(channel)) ? await read(parent) : undefined
    for (const [i, [channel]] of values.entries()) {
      const content = contents[i] as Json
      const version = versions.get(channel)
      const where = isNew.has(channel)
        ? id
        : (whereStored(former, parent, channel, version) ??
          (await this.#find(session, namespace, { channel, version, content })))
      if (where === id || where === 'elsewhere') channels.push([channel, content])
      else if (where !== undefined) held.push([channel, where])
    }
    const stored = {
      ...(parent !== undefined && { parent }),
      checkpoint: storedHead,
      channels: Object.fromEntries(channels),
      ...(held.length > 0 && { held: Object.fromEntries(held) }),
      metadata: storedMetadata,
    }
    await session.setValue(nameOf(namespace, id), stored)
    if (this.#keep !== undefined) await this.#dropOld(session, namespace, this.#keep)
    return configOf({ thread, namespace }, id)
  }

  async putWrites(config: RunnableConfig, writes: PendingWrite[], taskId: string): Promise<void> {
    const { thread, namespace } = placeIn(config) ?? missing('put writes', 'thread_id')
    const id: string = config.configurable?.checkpoint_id ?? missing('put writes', 'checkpoint_id')
    const typed = writes.map(async ([channel, value], position): Promise<StoredWrite> => {
      const index = Object.hasOwn(WRITES_IDX_MAP, channel) ? (WRITES_IDX_MAP[channel] as number) : position
      return [index, String(channel), await this.#toTyped(value)]
    })
    const added = await Promise.all(typed)
    const session = await this.#session(thread)
    await session.updateValue<StoredWrite[]>(joinedKey('writes', namespace, id, taskId), (there = []) =>
      merged(there, added),
    )
  }

  async deleteThread(threadId: string): Promise<void> {
    await (await this.#session(textOf('thread_id', threadId))).delete()
  }

  async #session(thread: string): Promise<Session> {
    return (await this.#store).session(this.#prefix + thread)
  }

  async #threads(): Promise<string[]> {
    const keys = await (await this.#store).keys({ prefix: this.#prefix })
    return keys.map((key) => key.slice(this.#prefix.length))
  }

  async #toTyped(value: unknown): Promise<Json> {
    return toTyped(...(await this.serde.dumpsTyped(value)))
  }

  async #fromTyped(stored: Json): Promise<unknown> {
    return this.serde.loadsTyped(...fromTyped(stored))
  }

  /** Undefined where there is none, or its metadata is not as the filter wants. */
  async #tuple(
    session: Session,
    place: Place,
    id: string,
    filter: Record<string, unknown> = {},
  ): Promise<CheckpointTuple | undefined> {
    const { namespace } = place
    const stored = await session.getValue<StoredCheckpoint>(nameOf(namespace, id))
    if (stored === undefined) return undefined
    const metadata = (await this.#fromTyped(stored.metadata)) as CheckpointMetadata
    if (!fits(metadata, filter)) return undefined
    const checkpoint = (await this.#fromTyped(stored.checkpoint)) as Checkpoint
    checkpoint.channel_values = await this.#channelValues(session, namespace, stored)
    if (checkpoint.v < 4 && stored.parent !== undefined)
      await this.#addSends(checkpoint, session, namespace, stored.parent)
    return {
      config: configOf(place, id),
      checkpoint,
      metadata,
      ...(stored.parent !== undefined && { parentConfig: configOf(place, stored.parent) }),
      pendingWrites: await this.#writes(session, namespace, id),
    }
  }

  async #channelValues(
    session: Session,
    namespace: string,
    stored: StoredCheckpoint,
  ): Promise<Record<string, unknown>> {
    const cache = new Map<string, StoredCheckpoint | undefined>()
    const read = async (id: string) => {
      if (!cache.has(id)) cache.set(id, await session.getValue<StoredCheckpoint>(nameOf(namespace, id)))
      return cache.get(id)
    }
    const values: Array<[string, unknown]> = []
    for (const channel of [...Object.keys(stored.channels), ...Object.keys(stored.held ?? {})]) {
      const content = await valueOfChannel(stored, channel, read)
      if (content !== undefined) values.push([channel, await this.#fromTyped(content)])
    }
    return Object.fromEntries(values)
  }

  /** Before version 4 of checkpoints, what tasks send stood in the writes of the parent. */
  async #addSends(checkpoint: Checkpoint, session: Session, namespace: string, parent: string): Promise<void> {
    const writes = await this.#writes(session, namespace, parent)
    const versions = Object.values(checkpoint.channel_versions)
    checkpoint.channel_values[TASKS] = writes.filter(([, channel]) => channel === TASKS).map(([, , value]) => value)
    checkpoint.channel_versions[TASKS] =
      versions.length > 0 ? maxChannelVersion(...versions) : this.getNextVersion(undefined)
  }

  async #writes(session: Session, namespace: string, id: string): Promise<CheckpointPendingWrite[]> {
    const prefix = joinedKey('writes', namespace, id, '')
    const writes: CheckpointPendingWrite[] = []
    for await (const [name, stored] of session.values({ prefix })) {
      for (const [, channel, content] of stored as unknown as StoredWrite[])
        writes.push([name.slice(prefix.length), channel, await this.#fromTyped(content)])
    }
    return writes
  }

  /** The checkpoint that stored this content; `'elsewhere'` where the version was stored with another one only. */
  async #find(
    session: Session,
    namespace: string,
    { channel, version, content }: { channel: string; version: unknown; content: Json },
  ): Promise<string | undefined> {
    let found: string | undefined
    for (const id of (await idsIn(session, namespace)).reverse()) {
      const stored = await session.getValue<StoredCheckpoint>(nameOf(namespace, id))
      if (stored === undefined || whereStored(stored, id, channel, version) !== id) continue
      if (jsonEqual(stored.channels[channel], content)) return id
      found = 'elsewhere'
    }
    return found
  }

  async #dropOld(session: Session, namespace: string, keep: number): Promise<void> {
    const ids = await idsIn(session, namespace)
    const needed = new Set(ids.slice(Math.max(0, ids.length - keep)))
    if (needed.size === ids.length) return
    for (const id of needed) {
      const stored = await session.getValue<StoredCheckpoint>(nameOf(namespace, id))
      for (const other of Object.values(stored?.held ?? {})) needed.add(other)
    }
    const gone: ValueToSet[] = []
    for (const id of ids.filter((each) => !needed.has(each))) {
      gone.push([nameOf(namespace, id), undefined])
      const prefix = joinedKey('writes', namespace, id, '')
      for await (const [name] of session.values({ prefix, keysOnly: true })) gone.push([name, undefined])
    }
    await session.setValues(gone)
  }
}

type StoredWrite = [index: number, channel: string, content: Json]

/** A write that is there stays; special ones, which have indices below 0, are replaced. */
function merged(there: readonly StoredWrite[], added: readonly StoredWrite[]): StoredWrite[] {
  const writes = new Map(there.map((write) => [write[0], write]))
  for (const write of added) if (write[0] < 0 || !writes.has(write[0])) writes.set(write[0], write)
  return [...writes.values()].sort(([a], [b]) => a - b)
}

function nameOf(namespace: string, id: string): string {
  return joinedKey('checkpoint', namespace, id)
}

/** Ids of a namespace, rising. */
async function idsIn(session: Session, namespace: string): Promise<string[]> {
  const prefix = nameOf(namespace, '')
  const ids: string[] = []
  for await (const [name] of session.values({ prefix, keysOnly: true })) ids.push(name.slice(prefix.length))
  return ids
}

/** All checkpoints, greatest id first. */
async function placesIn(session: Session): Promise<Array<{ namespace: string; id: string }>> {
  const places: Array<{ namespace: string; id: string }> = []
  for await (const [name] of session.values({ prefix: 'checkpoint/', keysOnly: true })) {
    const [, namespace = '', ...id] = name.split('/')
    places.push({ namespace: unescapedPart(namespace), id: id.join('/') })
  }
  return places.sort((a, b) => (a.id < b.id ? 1 : a.id > b.id ? -1 : a.namespace < b.namespace ? -1 : 1))
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
