/** A checkpoint as it stands in a value line: each channel's value once, in the checkpoint that set it. */
import { isObject, type Json } from '../../base/json.js'

export interface StoredCheckpoint {
  parent?: string
  /** The checkpoint without the values of its channels. */
  checkpoint: Json
  /** What channels were set to in this checkpoint. */
  channels: Record<string, Json>
  /** Which checkpoint has the value of a channel that was not set in this one. */
  held?: Record<string, string>
  metadata: Json
}

/** A write of a task that is not in a checkpoint yet. */
export type StoredWrite = [index: number, channel: string, content: Json]

/** A write that is there stays; special ones, which have indices below 0, are replaced. */
export function merged(there: readonly StoredWrite[], added: readonly StoredWrite[]): StoredWrite[] {
  const writes = new Map(there.map((write) => [write[0], write]))
  for (const write of added) if (write[0] < 0 || !writes.has(write[0])) writes.set(write[0], write)
  return [...writes.values()].sort(([a], [b]) => a - b)
}

/** JSON stays JSON, which people can read; other bytes, and strings in their form, are written as base64. */
export function toTyped(type: string, data: Uint8Array): Json {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  if (type !== 'json') return { $type: type, $bytes: bytes.toString('base64') }
  const value: Json = JSON.parse(bytes.toString())
  return isTyped(value) ? { $type: type, $bytes: bytes.toString('base64') } : value
}

/** What a serializer reads. */
export function fromTyped(stored: Json): [type: string, data: Uint8Array | string] {
  if (isTyped(stored)) return [stored.$type, new Uint8Array(Buffer.from(stored.$bytes, 'base64'))]
  return ['json', JSON.stringify(stored)]
}

function isTyped(value: Json): value is { $type: string; $bytes: string } {
  return isObject(value) && typeof value.$type === 'string' && typeof value.$bytes === 'string'
}

/** The checkpoint that has the value of a channel in a version, as the stored one of the id `id` knows it. */
export function whereStored(
  stored: StoredCheckpoint | undefined,
  id: string | undefined,
  channel: string,
  version: unknown,
): string | undefined {
  if (stored === undefined || versionIn(stored, channel) !== version) return undefined
  if (Object.hasOwn(stored.channels, channel)) return id
  return stored.held !== undefined && Object.hasOwn(stored.held, channel) ? stored.held[channel] : undefined
}

function versionIn({ checkpoint }: StoredCheckpoint, channel: string): unknown {
  const versions = isObject(checkpoint) ? checkpoint.channel_versions : undefined
  return isObject(versions) && Object.hasOwn(versions, channel) ? versions[channel] : undefined
}

/** The value of a channel, wherever it is; undefined where it was never stored. */
export async function valueOfChannel(
  stored: StoredCheckpoint,
  channel: string,
  read: (id: string) => Promise<StoredCheckpoint | undefined>,
): Promise<Json | undefined> {
  const seen = new Set<string>()
  for (let at: StoredCheckpoint | undefined = stored; at !== undefined; ) {
    if (Object.hasOwn(at.channels, channel)) return at.channels[channel]
    const next: string | undefined =
      at.held !== undefined && Object.hasOwn(at.held, channel) ? at.held[channel] : undefined
    if (next === undefined || seen.has(next)) return undefined
    seen.add(next)
    at = await read(next)
  }
  return undefined
}
