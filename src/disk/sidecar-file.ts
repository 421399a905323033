/** The sidecar of a session: its run state, and a copy of what its log was folded to. */
import { createHash } from 'node:crypto'
import { errno } from '../base/errors.js'
import { isObject, type Json, type JsonObject } from '../base/json.js'
import { emptySummary, type Summary, usageFromJson } from '../log/fold.js'
import { timeOf } from '../log/parse.js'
import { replaceSmall } from './atomic-replace.js'
import { type FileMark, look, readSmall } from './files.js'
import { isOwner, type Owner } from './process-identity.js'

export type RunName = 'idle' | 'running' | 'error'

/** Why a run is taken for stuck. */
export type StuckReason = 'too-long' | 'owner-dead' | 'heartbeat-lost'
const REASONS: readonly unknown[] = ['too-long', 'owner-dead', 'heartbeat-lost'] satisfies StuckReason[]

/** What a session is doing: a claim of its owner, never a fact of the conversation. */
export interface Run {
  state: RunName
  turnId: string | null
  /** When the state was entered, ISO 8601 UTC. */
  since: string
  /** The process that said so. */
  owner: Owner
  /** The same moment as `since`, ms since the owner's kernel started; absent where the store's clock was given. */
  uptime?: number
  /** Present when the state was entered because the run before was found to be over. */
  recovered?: StuckReason
}

/** Up to where the log was folded, and how to tell that the bytes below are still the same. */
export interface Watermark extends FileMark {
  /** The bytes right below the watermark, at most 512. */
  print: { length: number; hash: string }
}

export interface Sidecar {
  key: string
  /** The id of the log's header, which tells this log from a later one of the same key. */
  session: string | null
  run: Run | null
  watermark: Watermark | null
  summary: Summary | null
}

const VERSION = 1

export function hashOf(print: string): string {
  return createHash('sha256').update(print, 'latin1').digest('hex').slice(0, 16)
}

/** The sidecar, or null when there is none or it cannot be read: then the log tells all but the run state. */
export function readSidecar(file: string): { sidecar: Sidecar | null; mark: FileMark } | null {
  // busy sessions often have none yet, and to look costs a tenth of an error
  const content = look(file) === undefined ? undefined : readSmall(file)
  return content === undefined ? null : { sidecar: decode(content.bytes), mark: content.stat }
}

/** For those who can do without it: a sidecar that may not be read is as good as none. */
export function sidecarOrNone(file: string): Sidecar | null {
  try {
    return readSidecar(file)?.sidecar ?? null
  } catch (error) {
    if (errno(error) === 'EACCES') return null
    throw error
  }
}

/** Answers what the file is known by. Needs `loadReplace` to have been awaited. */
export function writeSidecar(file: string, sidecar: Sidecar): FileMark {
  return replaceSmall(file, encode(sidecar))
}

function encode({ key, session, run, watermark, summary }: Sidecar): Buffer {
  const value = { version: VERSION, key, session, run, watermark, summary: summary && summaryToJson(summary) }
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`)
}

function summaryToJson(summary: Summary): JsonObject {
  const { usage, carriedUsage, ...rest } = summary
  const maps = { usage: Object.fromEntries(usage), carriedUsage: Object.fromEntries(carriedUsage) }
  return { ...rest, ...maps } as unknown as JsonObject
}

function decode(bytes: Buffer): Sidecar | null {
  let value: Json
  try {
    value = JSON.parse(bytes.toString())
  } catch {
    return null
  }
  if (!isObject(value) || value.version !== VERSION || typeof value.key !== 'string') return null
  const summary = summaryFromJson(value.summary)
  const watermark = watermarkFrom(value.watermark)
  return {
    key: value.key,
    session: typeof value.session === 'string' ? value.session : null,
    run: runFrom(value.run),
    watermark: summary && watermark,
    summary: watermark && summary,
  }
}

/** A damaged copy is no copy: each field must be of the kind that an empty summary has, or null where that has null. */
function summaryFromJson(value: Json | undefined): Summary | null {
  if (!isObject(value)) return null
  const blank = emptySummary()
  for (const [field, sample] of Object.entries(blank)) {
    const given = value[field]
    const fits =
      sample === null
        ? given === null || typeof given === 'string' || field === 'header'
        : typeof given === typeof sample
    if (given === undefined || !fits) return null
  }
  const { header } = value
  if (header !== null && !(isObject(header) && typeof header.id === 'string' && typeof header.key === 'string'))
    return null
  if (!isObject(value.labels) || !isObject(value.archived) || !isWaitingList(value.waiting)) return null
  const maps = { usage: usageFromJson(value.usage), carriedUsage: usageFromJson(value.carriedUsage) }
  const fields = Object.keys(blank).map((field) => [field, value[field]])
  return { ...(Object.fromEntries(fields) as Summary), ...maps }
}

function isWaitingList(value: Json | undefined): boolean {
  if (!Array.isArray(value)) return false
  return value.every((each) => isObject(each) && typeof each.id === 'string' && typeof each.ref === 'string')
}

function watermarkFrom(value: Json | undefined): Watermark | null {
  if (!isObject(value) || !isObject(value.print)) return null
  const { dev, ino, size, mtimeMs, print } = value
  const numbers = [dev, ino, size, mtimeMs, print.length]
  return numbers.every((n) => typeof n === 'number') && typeof print.hash === 'string'
    ? (value as unknown as Watermark)
    : null
}

function runFrom(value: Json | undefined): Run | null {
  if (!isObject(value)) return null
  const { state, turnId, owner, uptime, recovered } = value
  const since = timeOf(value.since)
  if (state !== 'idle' && state !== 'running' && state !== 'error') return null
  if ((turnId !== null && typeof turnId !== 'string') || since === undefined || !isOwner(owner)) return null
  const run: Run = { state, turnId, since, owner }
  if (typeof uptime === 'number') run.uptime = uptime
  if (REASONS.includes(recovered)) run.recovered = recovered as StuckReason
  return run
}
