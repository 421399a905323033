/** What a session keeps about the import that made it: the label `import`. */
import { isObject, type Json, type JsonObject } from '../../base/json.js'
import type { Usage } from '../../log/line.js'
import { countersOf } from '../../log/usage.js'
import type { Draft } from '../shared/draft/draft.js'
import { noTotals, type Totals } from '../shared/draft/totals.js'
import type { ResumePoint } from '../shared/format.js'
import { type Counts, noCounts } from '../shared/job.js'

/** Bad lines that are remembered, so that the next import reports them as well. */
export const MAX_BAD = 100

export interface BadLine {
  line: number
  offset: number
  reason: string
}

/** How far a file was read, and what is needed to go on behind it. */
export interface ImportMeta {
  format: string
  sourceId: string
  path: string
  /** Offset up to which all is in the session. */
  bytes: number
  /** Hash of the last line below `bytes`. */
  hash: string
  /** What was left open then because it may still grow. */
  open: boolean
  counts: Counts
  bad: BadLine[]
  resume: ResumePoint | undefined
  totals: Totals
  /** Time and id of the last line and the last message. */
  lastAt: string | undefined
  lastMessage: string | null
  /** Labels and carried usage as the source had them then. */
  labels: JsonObject
  carried: Record<string, Usage>
  /** Keys of the sessions that the file holds beside this one. */
  others: string[]
}

/** As JSON; what says nothing is left out. */
export function metaToJson(meta: ImportMeta): JsonObject {
  const { resume, totals, lastAt, lastMessage, open, bad, others, carried, labels, counts, ...rest } = meta
  const { open: openCalls, ...sums } = totals
  const json: JsonObject = {
    ...rest,
    counts: { ...counts },
    tally: { ...sums, open: [...openCalls] } as unknown as Json,
    labels,
  }
  if (open) json.open = true
  if (bad.length > 0) json.bad = bad as unknown as Json
  if (resume !== undefined) json.resume = resume as unknown as Json
  if (lastAt !== undefined) json.lastAt = lastAt
  if (lastMessage !== null) json.lastMessage = lastMessage
  if (others.length > 0) json.others = others
  if (Object.keys(carried).length > 0) json.carried = carried as unknown as Json
  return json
}

/** Undefined for what is no such label, or one of another make. */
export function metaFromJson(json: Json | undefined): ImportMeta | undefined {
  if (!isObject(json) || typeof json.format !== 'string' || typeof json.sourceId !== 'string') return undefined
  if (typeof json.bytes !== 'number' || typeof json.hash !== 'string' || !isObject(json.tally)) return undefined
  const { tally: totals, resume, carried, labels } = json
  return {
    format: json.format,
    sourceId: json.sourceId,
    path: `${json.path}`,
    bytes: json.bytes,
    hash: json.hash,
    open: json.open === true,
    counts: { ...noCounts(), ...(isObject(json.counts) ? (json.counts as unknown as Counts) : {}) },
    bad: Array.isArray(json.bad) ? (json.bad as unknown as BadLine[]) : [],
    resume: isObject(resume) && isObject(resume.state) ? (resume as unknown as ResumePoint) : undefined,
    totals: totalsFrom(totals),
    lastAt: typeof json.lastAt === 'string' ? json.lastAt : undefined,
    lastMessage: typeof json.lastMessage === 'string' ? json.lastMessage : null,
    labels: isObject(labels) ? labels : {},
    carried: isObject(carried) ? (carried as unknown as Record<string, Usage>) : {},
    others: Array.isArray(json.others) ? (json.others as string[]) : [],
  }
}

function totalsFrom(json: JsonObject): Totals {
  const open = Array.isArray(json.open) ? (json.open as Array<[string, number]>) : []
  const count = (field: string) => (typeof json[field] === 'number' ? (json[field] as number) : 0)
  return {
    ...noTotals(),
    messages: count('messages'),
    toolCalls: count('toolCalls'),
    compactions: count('compactions'),
    records: count('records'),
    roles: isObject(json.roles) ? ({ ...json.roles } as Record<string, number>) : {},
    usage: isObject(json.usage) ? countersOf(json.usage) : noTotals().usage,
    open: new Map(open),
  }
}

/** What the session of a draft is to keep. */
export function metaOf(
  draft: Draft,
  path: string,
  read: Pick<ImportMeta, 'bytes' | 'hash' | 'open' | 'counts' | 'bad' | 'resume' | 'others'>,
): ImportMeta {
  const { format, sourceId } = draft.context
  return {
    format,
    sourceId,
    path,
    ...read,
    totals: draft.totals,
    lastAt: draft.lastAt,
    lastMessage: draft.lastMessage,
    labels: draft.labelSet(),
    carried: Object.fromEntries(draft.carried),
  }
}
