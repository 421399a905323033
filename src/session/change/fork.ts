/** An independent copy of a session under a new key. */
import {
  checkCount,
  checkNames,
  checkOptionalText,
  checkText,
  stillOpen,
  type WaitOptions,
} from '../../base/arguments.js'
import { messageNotFound, notFound, sessionExists } from '../../base/errors.js'
import { idBefore, isV7, randomNonce } from '../../base/ids.js'
import type { Json, JsonObject } from '../../base/json.js'
import { writeTemporary } from '../../disk/atomic-replace.js'
import { readSync } from '../../disk/files.js'
import type { LogReader } from '../../disk/log/log-reader.js'
import type { Part } from '../../disk/log/range-copier.js'
import type { Summary } from '../../log/fold.js'
import { lastStateIn } from '../../log/labels.js'
import type { Line, Piece } from '../../log/line.js'
import { answeredLine, headerLine, metaLine } from '../../log/serialize.js'
import { totalUsage } from '../../log/usage.js'
import type { Visibility } from '../../log/visibility.js'
import { visibilityIn } from '../log/catch-up.js'
import type { SessionLog } from '../log/session-log.js'
import { redactedLines } from '../redaction.js'
import { forkRange, WHOLE } from './fork-range.js'
import { type Plan, partsOf, planRewrite } from './rewrite-plan.js'

/** Labels that are copied; the name is not. */
const COPIED = ['tags', 'agent', 'turnCount', 'totalTokens', 'metadata', 'projectRoot']
const BOM = Buffer.from('\uFEFF')

/** What is copied, and what the copy is called. */
export interface ForkOptions extends WaitOptions {
  /** Key of the copy, a UUIDv7 unless given. */
  as?: string
  /** Without one it is called "<name> (fork)" if the source has a name. */
  name?: string | null
  /**
   * The last message that is copied, by the id of its line or its own where one live message has it; with the summaries
   * that cover copied messages only.
   */
  at?: string
  /**
   * So many messages at the end, and more where the first of them would be the result of a call that is left out.
   * Summaries are copied: they stand for what is not.
   */
  last?: number
}

/** @throws TypeError, RangeError */
export function checkForkOptions(options: ForkOptions | undefined): ForkOptions {
  const { as, name, at, last, signal } = checkNames('fork', options, ['as', 'name', 'at', 'last', 'signal'])
  checkOptionalText('name', name)
  if (at !== undefined) checkText('at', at)
  if (last !== undefined) checkCount('last', last)
  return { as, name, at, last, signal: stillOpen(signal) } as ForkOptions
}

/**
 * Copies the live messages of one log, with their ids and times, and the compactions in force into a new one; removed
 * text, run state and graph stay behind. The source is read at one moment and not changed. The copy appears
 * whole or not at all. Without a name it is called after the source.
 * @throws SessionError ERR_SESSION_NOT_FOUND, ERR_MESSAGE_NOT_FOUND, ERR_SESSION_EXISTS when `to` is there
 */
export async function forkLog(from: SessionLog, to: SessionLog, options: ForkOptions): Promise<void> {
  from.context.checkOpen()
  // both have their place among the calls on their session: the reading, and the making of the copy
  const opening = Promise.resolve(from.inTurn(() => from.openReader(), options.signal))
  opening.catch(() => {})
  await to.inTurn(async () => {
    const reader = await opening
    if (reader === undefined) throw notFound(from.key)
    try {
      const content = await contentOf(from, reader, options)
      await to.takeLease(options.signal)
      await place(to, from.key, reader, content)
    } finally {
      reader.close()
    }
  }, options.signal)
}

/** The copy without its header. */
interface Content {
  parts: Iterable<Part>
  /** Ids of messages that wait in the source and not in the copy: no answer is expected there. */
  ended: readonly string[]
  /** The labels at the end. */
  set: JsonObject
  /** For the header: the usage of the source, which the copy has as well. */
  inherited: JsonObject
  firstId: string | undefined
  /** The greatest id in the source. */
  maxId: string
}

async function contentOf(from: SessionLog, reader: LogReader, { name, at, last }: ForkOptions): Promise<Content> {
  const visibility = await visibilityIn(reader)
  const range = at === undefined && last === undefined ? WHOLE : await forkRange(reader, visibility, { at, last })
  if (range === undefined) throw messageNotFound(from.key, at as string)
  const collected = new Collector()
  const plan = await planRewrite(
    reader,
    {
      takes: (line) => isTaken(line) && !range.ended.has(line.offset),
      purges: ({ offset }) => offset < range.from || offset > range.upTo,
      visit: (pieces) => collected.add(pieces, visibility),
    },
    visibility,
  )
  const { state, firstId } = collected
  const { summary, purged } = plan
  const usage = totalUsage(summary)
  const inherited =
    usage.size === 0
      ? {}
      : { inherited: { through: summary.maxId, usage: Object.fromEntries(usage) as unknown as JsonObject } }
  const set = { ...labelsFor(summary, purged, name, state), ...usageLeft(plan) }
  const parts = afterMark(reader, partsOf(plan))
  return { parts, ended: plan.waiting, set, inherited, firstId, maxId: summary.maxId }
}

function isTaken({ kind }: Line): boolean {
  return kind === 'message' || kind === 'compaction' || kind === 'answered'
}

/** What a fork collects beside the plan. */
class Collector {
  state: Json = null
  firstId: string | undefined

  add(pieces: readonly Piece[], visibility: Visibility): void {
    const state = lastStateIn(pieces, visibility)
    if (state !== undefined) this.state = state
    this.firstId ??= pieces.find((piece): piece is Line => piece.kind === 'message' || piece.kind === 'compaction')?.id
  }
}

function labelsFor(summary: Summary, purged: number, name: string | null | undefined, state: Json): JsonObject {
  const { labels } = summary
  const copied = COPIED.flatMap((key) => (key in labels ? [[key, labels[key] as Json] as const] : []))
  const former = typeof labels.name === 'string' && labels.name !== '' ? `${labels.name} (fork)` : null
  // as after a rewind
  const turnCount = purged > 0 ? { turnCount: summary.messages + summary.roleless - purged } : {}
  return { ...Object.fromEntries(copied), ...turnCount, name: name ?? former, ...(state === null ? {} : { state }) }
}

/** What was spent on messages that are not copied stays spent. */
function usageLeft({ plan }: Plan): JsonObject {
  const usage = plan?.carry?.carriedUsage
  return usage === undefined ? {} : { carriedUsage: usage }
}

async function place(to: SessionLog, source: string, reader: LogReader, content: Content): Promise<void> {
  const { layout, clock, settings } = to.context
  const { firstId, maxId, ended, set, inherited } = content
  if (to.file.stat() !== undefined) throw sessionExists(to.key)
  const ending = clock.stamp(null, maxId)
  const end = ended.length > 0 ? clock.stamp(ending.at, ending.id) : ending
  // ids rise from the header on, so that the copy is read as quickly as a log that was written line by line
  const id = firstId !== undefined && isV7(firstId) ? idBefore(firstId) : clock.id('')
  const header = Buffer.from(headerLine({ id, at: end.at }, to.key, { forkedFrom: source, ...inherited }))
  const labels = redactedLines(Buffer.from(metaLine(end, set)), to.redaction())
  const answered = ended.length > 0 ? [Buffer.from(answeredLine(ending, ended))] : []
  const parts = between(header, content.parts, Buffer.concat([...answered, labels]))
  const temporary = layout.temporary(to.name, randomNonce())
  const synced = settings.fsync !== 'no'
  await writeTemporary(temporary, { from: reader.fd, parts, synced })
  if ((await to.file.adopt(temporary, synced)) === 'exists') throw sessionExists(to.key)
  to.context.noteBehind(to)
}

function* between(header: Buffer, parts: Iterable<Part>, labels: Buffer): Generator<Part> {
  yield header
  yield* parts
  yield labels
}

/** A byte order mark belongs to the start of a file. */
function* afterMark(reader: LogReader, parts: Iterable<Part>): Generator<Part> {
  for (const part of parts) {
    const isStart = !Buffer.isBuffer(part) && part.offset === 0
    if (isStart && readSync(reader.fd, 0, BOM.length).equals(BOM)) yield { offset: BOM.length, end: part.end }
    else yield part
  }
}
