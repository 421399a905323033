/**
 * The sidecar of a session: what people read about it, its run state, and a copy of what its log was folded
 * to. Of all this only the run state and that copy are ever read here, and the copy only if its checksum is right.
 */
import { createHash, hash } from 'node:crypto'
import { errno } from '../../base/errors.js'
import { isObject, type Json, type JsonObject } from '../../base/json.js'
import { type Summary, timesOf } from '../../log/fold.js'
import { labelsOf } from '../../log/labels.js'
import { isoTime, timeOf } from '../../log/parse.js'
import { sumOf, totalUsage } from '../../log/usage.js'
import { firstOfEach } from '../../log/waiting.js'
import { createSmall, replaceSmall } from '../atomic-replace.js'
import { readSmall, statFile } from '../files.js'
import type { FileMark } from '../log/file-mark.js'
import { logBeside } from '../names.js'
import { isOwner, type Owner } from '../process-identity.js'
import { isCount, isFiniteNumber, summaryFromJson, summaryToJson } from './summary-json.js'

export type RunName = 'idle' | 'running' | 'error'

/** Why a run is taken for stuck. */
export type StuckReason = 'too-long' | 'owner-dead' | 'heartbeat-lost'
const REASONS: readonly unknown[] = ['too-long', 'owner-dead', 'heartbeat-lost'] satisfies StuckReason[]

export function isStuckReason(value: unknown): value is StuckReason {
  return REASONS.includes(value)
}

/** What a session is doing: a claim of its owner, never a fact of the conversation. */
export interface Run {
  state: RunName
  turnId: string | null
  /** When the state was entered, ISO 8601 UTC. */
  since: string
  /** The process that set the state. */
  owner: Owner
  /** How many states were recorded before; absent in files of earlier versions. */
  n?: number
  /** The same moment as `since`, ms since the owner's kernel started; absent where the store's clock was given. */
  uptime?: number
  /** Present when the state was entered because the run before was found to be over. */
  recovered?: StuckReason
  /** The text that the turn has streamed so far. */
  draft?: string
}

/** Up to where the log was folded, and how to check that the bytes below are still the same. */
export interface Watermark extends FileMark {
  /** The bytes right below the watermark, at most 512. */
  print: { length: number; hash: string }
}

export interface Sidecar {
  key: string
  /** The id of the log's header, which distinguishes this log from a later one of the same key. */
  session: string | null
  run: Run | null
  watermark: Watermark | null
  summary: Summary | null
}

/** Of the cache: one of another version is not believed. */
const VERSION = 2
const CACHE_BEGIN = '\n  "cache": '
const FILE_END = '\n}\n'
const CHECKSUM_BEGIN = ',"checksum":"'
const CHECKSUM_LENGTH = 16
const CACHE_END = '"}'

export function hashOf(print: string): string {
  return createHash('sha256').update(print, 'latin1').digest('hex').slice(0, 16)
}

/** The sidecar, or null when there is none or it cannot be read: then the log has all but the run state. */
export function readSidecar(file: string): { sidecar: Sidecar | null; mark: FileMark } | null {
  // busy sessions often have none yet, and a stat costs a tenth of an error
  const content = statFile(file) === undefined ? undefined : readSmall(file)
  return content === undefined ? null : { sidecar: sidecarFromText(content.bytes.toString()), mark: content.stat }
}

/** For callers that can do without it: null for a sidecar that cannot be read, for whatever reason. */
export function sidecarOrNone(file: string): Sidecar | null {
  try {
    return readSidecar(file)?.sidecar ?? null
  } catch (error) {
    if (errno(error) === undefined) throw error
    return null
  }
}

/** Returns what the file is known by. */
export function writeSidecar(file: string, sidecar: Sidecar): FileMark {
  return replaceSmall(file, Buffer.from(sidecarText(sidecar)), { beside: logBeside(file) })
}

/** The same of one that is made now; undefined where there is one already. */
export function createSidecar(file: string, sidecar: Sidecar): FileMark | undefined {
  return createSmall(file, Buffer.from(sidecarText(sidecar)), logBeside(file))
}

/** The cache stands on one line at the end, closed by a checksum over the text before it. */
export function sidecarText({ key, session, run, watermark, summary }: Sidecar): string {
  const claimed = run === null ? {} : { run: runToJson(run, session) }
  const people = JSON.stringify({ key, ...shownOf(run, summary, watermark), ...claimed }, null, 2)
  if (watermark === null || summary === null) return `${people}\n`
  const cache = JSON.stringify({ version: VERSION, watermark, summary: summaryToJson(summary) }).slice(0, -1)
  const checksum = `${CHECKSUM_BEGIN}${checksumOf(cache)}${CACHE_END}`
  return `${people.slice(0, -2)},${CACHE_BEGIN}${cache}${checksum}${FILE_END}`
}

/** For people, who read it from the top. */
function shownOf(run: Run | null, summary: Summary | null, watermark: Watermark | null): JsonObject {
  const state = { state: run?.state ?? 'idle', turn: run?.turnId ?? null, since: run?.since ?? null }
  if (summary === null || watermark === null) return state
  const { name, tags, turnCount } = labelsOf(summary)
  const { active } = timesOf(summary, isoTime(watermark.mtimeMs))
  const usage = Object.entries(sumOf(totalUsage(summary))).filter(([, count]) => count !== 0)
  return {
    name,
    tags,
    ...state,
    messages: summary.messages,
    ...(summary.waiting.length > 0 ? { waiting: firstOfEach(summary.waiting).length } : {}),
    ...(turnCount === null ? {} : { turns: turnCount }),
    lastActivity: active,
    usage: Object.fromEntries(usage),
  }
}

/** Null when nothing in it can be read. */
export function sidecarFromText(text: string): Sidecar | null {
  let value: Json
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (!isObject(value) || typeof value.key !== 'string') return null
  const cache = isWhole(text) && isObject(value.cache) && value.cache.version === VERSION ? value.cache : {}
  const summary = summaryFromJson(cache.summary)
  const watermark = watermarkFrom(cache.watermark)
  const isBelieved = summary !== null && watermark !== null && summary.bytes <= watermark.size
  const believed = isBelieved ? { watermark, summary } : { watermark: null, summary: null }
  return { key: value.key, ...claimFrom(value), ...believed }
}

/** True when the cache is as it was written. */
function isWhole(text: string): boolean {
  const end = text.length - FILE_END.length - CACHE_END.length - CHECKSUM_LENGTH
  const start = text.lastIndexOf(CACHE_BEGIN) + CACHE_BEGIN.length
  const cache = text.slice(start, end - CHECKSUM_BEGIN.length)
  return text.slice(start + cache.length) === `${CHECKSUM_BEGIN}${checksumOf(cache)}${CACHE_END}${FILE_END}`
}

function checksumOf(cache: string): string {
  return hash('sha256', cache, 'hex').slice(0, CHECKSUM_LENGTH)
}

function watermarkFrom(value: Json | undefined): Watermark | null {
  if (!isObject(value) || !isObject(value.print)) return null
  const { dev, ino, size, mtimeMs, print } = value
  // some file systems number beyond what is exact
  const isMark = [dev, ino, mtimeMs].every(isFiniteNumber)
  const isPrint = isCount(size) && isCount(print.length) && print.length <= size && typeof print.hash === 'string'
  return isMark && isPrint ? (value as unknown as Watermark) : null
}

/** What only programs need of a run, beside what is shown of it. */
function runToJson({ owner, n, uptime, recovered, draft }: Run, session: string | null): JsonObject {
  return JSON.parse(JSON.stringify({ session, owner, n, uptime, recovered, draft }))
}

/** The run that is claimed, and of which log. Sidecars of version 1 had all of it in `run`. */
function claimFrom(value: JsonObject): Pick<Sidecar, 'session' | 'run'> {
  const rest = isObject(value.run) ? value.run : {}
  const isFormer = value.version === 1
  const { session } = isFormer ? value : rest
  const run = isFormer ? runFrom(rest, rest, rest.turnId) : runFrom(value, rest, value.turn)
  return { session: typeof session === 'string' ? session : null, run }
}

function runFrom(
  shown: JsonObject,
  { owner, n, uptime, recovered, draft }: JsonObject,
  turnId: Json | undefined,
): Run | null {
  const { state } = shown
  const since = timeOf(shown.since)
  if (state !== 'idle' && state !== 'running' && state !== 'error') return null
  if ((turnId !== null && typeof turnId !== 'string') || since === undefined || !isOwner(owner)) return null
  const run: Run = { state, turnId, since, owner }
  if (isFiniteNumber(uptime)) run.uptime = uptime
  if (Number.isSafeInteger(n)) run.n = n as number
  if (isStuckReason(recovered)) run.recovered = recovered
  if (typeof draft === 'string') run.draft = draft
  return run
}
