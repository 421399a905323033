/** The checkpoints of one namespace in the log of a thread: values `checkpoint/<namespace>/<id>`, and `writes/…`. */
import { type Json, jsonEqual } from '../../base/json.js'
import type { Session } from '../../session/session.js'
import type { ValueToSet } from '../../session/values/values.js'
import { joinedKey, unescapedPart } from './joined-key.js'
import { merged, type StoredCheckpoint, type StoredWrite, valueOfChannel, whereStored } from './stored-checkpoint.js'

/** A channel of a checkpoint that is put. */
interface GivenChannel {
  channel: string
  version: unknown
  content: Json
  isNew: boolean
}

export class CheckpointLog {
  readonly #session: Session
  readonly #namespace: string

  constructor(session: Session, namespace: string) {
    this.#session = session
    this.#namespace = namespace
  }

  stored(id: string): Promise<StoredCheckpoint | undefined> {
    return this.#session.getValue<StoredCheckpoint>(checkpointName(this.#namespace, id))
  }

  async put(id: string, stored: StoredCheckpoint): Promise<void> {
    await this.#session.setValue(checkpointName(this.#namespace, id), stored)
  }

  /** Rising. */
  async ids(): Promise<string[]> {
    const prefix = checkpointName(this.#namespace, '')
    const ids: string[] = []
    for await (const [name] of this.#session.values({ prefix, keysOnly: true })) ids.push(name.slice(prefix.length))
    return ids
  }

  /** Where the values of the channels are to stand: in this checkpoint, or in one that has them. */
  async placed(
    { id, parent }: { id: string; parent: string | undefined },
    given: readonly GivenChannel[],
  ): Promise<Pick<StoredCheckpoint, 'channels' | 'held'>> {
    const former = parent !== undefined && given.some(({ isNew }) => !isNew) ? await this.stored(parent) : undefined
    const channels: Array<[string, Json]> = []
    const held: Array<[string, string]> = []
    for (const one of given) {
      const { channel, version, content, isNew } = one
      const where = isNew ? id : (whereStored(former, parent, channel, version) ?? (await this.#find(one)))
      if (where === id || where === 'elsewhere') channels.push([channel, content])
      else if (where !== undefined) held.push([channel, where])
    }
    return { channels: Object.fromEntries(channels), ...(held.length > 0 && { held: Object.fromEntries(held) }) }
  }

  /** The checkpoint that stored this content; `'elsewhere'` where the version was stored with another one only. */
  async #find({ channel, version, content }: GivenChannel): Promise<string | undefined> {
    let found: string | undefined
    for (const id of (await this.ids()).reverse()) {
      const stored = await this.stored(id)
      if (stored === undefined || whereStored(stored, id, channel, version) !== id) continue
      if (jsonEqual(stored.channels[channel], content)) return id
      found = 'elsewhere'
    }
    return found
  }

  /** The values of the channels, wherever they stand; one that was never stored is left out. */
  async contentsOf(stored: StoredCheckpoint): Promise<Array<[channel: string, content: Json]>> {
    const read = new Map<string, StoredCheckpoint | undefined>()
    const storedOnce = async (id: string) => {
      if (!read.has(id)) read.set(id, await this.stored(id))
      return read.get(id)
    }
    const contents: Array<[string, Json]> = []
    for (const channel of [...Object.keys(stored.channels), ...Object.keys(stored.held ?? {})]) {
      const content = await valueOfChannel(stored, channel, storedOnce)
      if (content !== undefined) contents.push([channel, content])
    }
    return contents
  }

  async addWrites(id: string, task: string, added: readonly StoredWrite[]): Promise<void> {
    const name = writesName(this.#namespace, id, task)
    await this.#session.updateValue<StoredWrite[]>(name, (there = []) => merged(there, added))
  }

  /** By task. */
  async writesOf(id: string): Promise<Array<[task: string, writes: StoredWrite[]]>> {
    const prefix = writesName(this.#namespace, id, '')
    const writes: Array<[string, StoredWrite[]]> = []
    for await (const [name, stored] of this.#session.values({ prefix }))
      writes.push([name.slice(prefix.length), stored as unknown as StoredWrite[]])
    return writes
  }

  /** Deletes all but the last checkpoints, and those that they share values with. */
  async dropOld(keep: number): Promise<void> {
    const ids = await this.ids()
    const needed = new Set(ids.slice(Math.max(0, ids.length - keep)))
    if (needed.size === ids.length) return
    for (const id of needed) {
      const stored = await this.stored(id)
      for (const other of Object.values(stored?.held ?? {})) needed.add(other)
    }
    const gone: ValueToSet[] = []
    for (const id of ids.filter((each) => !needed.has(each))) {
      gone.push([checkpointName(this.#namespace, id), undefined])
      const prefix = writesName(this.#namespace, id, '')
      for await (const [name] of this.#session.values({ prefix, keysOnly: true })) gone.push([name, undefined])
    }
    await this.#session.setValues(gone)
  }
}

function checkpointName(namespace: string, id: string): string {
  return joinedKey('checkpoint', namespace, id)
}

/** Each task has a value of its own. */
function writesName(namespace: string, id: string, task: string): string {
  return joinedKey('writes', namespace, id, task)
}

/** All checkpoints, greatest id first. */
export async function placesIn(session: Session): Promise<Array<{ namespace: string; id: string }>> {
  const places: Array<{ namespace: string; id: string }> = []
  for await (const [name] of session.values({ prefix: 'checkpoint/', keysOnly: true })) {
    const [, namespace = '', ...id] = name.split('/')
    places.push({ namespace: unescapedPart(namespace), id: id.join('/') })
  }
  return places.sort((a, b) => (a.id < b.id ? 1 : a.id > b.id ? -1 : a.namespace < b.namespace ? -1 : 1))
}
