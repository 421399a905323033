/** A session as its exports read it: what it is called, then its live messages one by one, in constant memory. */
import { isObject, type Json, type JsonObject } from '../../base/json.js'
import { LogReader } from '../../disk/log/log-reader.js'
import { activeMessages, shownOf } from '../../log/context-order.js'
import { timesOf } from '../../log/fold.js'
import { isLine, type Line, type Usage } from '../../log/line.js'
import { isChat } from '../../log/parse.js'
import { addUsage, countersOf, totalUsage } from '../../log/usage.js'
import { summaryOf } from '../../log/views.js'
import { isLive, knownId, timeIn, type Visibility } from '../../log/visibility.js'
import { foldLog, visibilityIn, wholeOf } from '../../session/log/catch-up.js'

export interface BadLine {
  offset: number
  reason: string
}

/** What stands above the messages. */
export interface Heading {
  key: string
  /** Id of the log's first line; null for a log without one. */
  id: string | null
  created: string
  /** All labels: name, tags, metadata and others. */
  labels: JsonObject
  summaries: Array<{ id: string; at: string; summary: string; through: string | null; keep?: Json[] }>
  /** Usage of the session that none of its live messages carries, by agent. */
  carriedUsage: Record<string, Usage>
  /** Records that an import keeps of the conversation as a whole. */
  about: JsonObject | undefined
}

/** One live message: as a reader gets it, and as its line has it. */
export interface LiveMessage {
  id: string
  at: string
  value: JsonObject
}

export class SessionReading {
  readonly heading: Heading
  readonly #reader: LogReader
  readonly #visibility: Visibility

  private constructor(reader: LogReader, visibility: Visibility, heading: Heading) {
    this.#reader = reader
    this.#visibility = visibility
    this.heading = heading
  }

  /** Undefined when there is no log. The caller closes the reading. */
  static async open(path: string, key: string, onBad: (bad: BadLine) => void): Promise<SessionReading | undefined> {
    const reader = LogReader.open(path)
    if (reader === undefined) return undefined
    try {
      const visibility = await visibilityIn(reader)
      return new SessionReading(reader, visibility, await headingOf(reader, visibility, key, onBad))
    } catch (error) {
      reader.close()
      throw error
    }
  }

  close(): void {
    this.#reader.close()
  }

  /** The live messages, or what the model would see of them. */
  async *messages({ context = false }: { context?: boolean | undefined } = {}): AsyncGenerator<LiveMessage> {
    if (context) return yield* this.#context()
    for await (const pieces of this.#reader.blocks()) {
      for (const piece of pieces)
        if (piece.kind === 'message' && isLive(piece, this.#visibility)) yield this.#liveMessage(piece)
    }
  }

  async *#context(): AsyncGenerator<LiveMessage> {
    const { pieces, visibility, fileTime } = await wholeOf(this.#reader)
    const summary = summaryOf(pieces, visibility, fileTime)
    if (summary !== null) {
      const { id, at, text } = summary
      yield { id, at, value: { role: 'system', content: text } }
    }
    for (const line of shownOf(activeMessages(pieces, visibility))) yield this.#liveMessage(line)
  }

  #liveMessage(line: Line): LiveMessage {
    const { id: _, at: __, ...value } = line.value
    return {
      id: knownId(line, this.#visibility),
      at: timeIn(line, this.#visibility, this.#reader.fileTime),
      value: line.bare || line.at === undefined ? ownFields(line, value) : value,
    }
  }
}

/** An id or time that is no line's is the message's own. */
function ownFields({ value, bare, at }: Line, rest: JsonObject): JsonObject {
  const own: JsonObject = isObject(rest.own) && rest.type === 'message' ? { ...rest.own } : {}
  if (bare && value.id !== undefined) own.id = value.id
  if (at === undefined && value.at !== undefined) own.at = value.at
  return Object.keys(own).length === 0 ? rest : { ...rest, type: 'message', own }
}

async function headingOf(
  reader: LogReader,
  visibility: Visibility,
  key: string,
  onBad: (bad: BadLine) => void,
): Promise<Heading> {
  const { summary } = await foldLog(reader)
  const carried = totalUsage(summary)
  const labels: JsonObject = {}
  const summaries: Line[] = []
  /** For each message that a summary may reach to: it, or the live one before it. */
  const places = new Map<string, string | null>()
  let last: string | null = null
  let about: JsonObject | undefined
  for await (const pieces of reader.blocks()) {
    for (const piece of pieces) {
      if (piece.kind === 'damage') onBad({ offset: piece.offset, reason: piece.reason })
      if (!isLine(piece)) continue
      if (piece.kind === 'meta') setLabels(labels, piece.value.set as JsonObject)
      if (piece.kind === 'compaction' && isLive(piece, visibility)) summaries.push(piece)
      if (piece.value.type === 'record' && piece.value.format === 'openai-chat' && isObject(piece.value.record))
        about = piece.value.record
      if (!isChat(piece)) continue
      const isShown = isLive(piece, visibility)
      if (isShown) last = knownId(piece, visibility)
      if (summaries.length > 0 || summary.compactions > 0) places.set(piece.id, last)
      const { usage, agent } = piece.value
      if (isShown && isObject(usage)) {
        addUsage(carried, typeof agent === 'string' ? agent : 'main', { ...countersOf(usage), apiCalls: 1 }, -1)
      }
    }
  }
  return {
    key,
    id: summary.header?.id ?? null,
    created: timesOf(summary, reader.fileTime).created,
    labels,
    summaries: summaries.map((line) => {
      const { through, summary: text, keep } = line.value
      const reach = typeof through === 'string' ? (places.get(through) ?? null) : null
      return {
        id: knownId(line, visibility),
        at: timeIn(line, visibility, reader.fileTime),
        summary: String(text),
        through: reach,
        ...(Array.isArray(keep) ? { keep } : {}),
      }
    }),
    carriedUsage: Object.fromEntries(
      [...carried].filter(([, usage]) => Object.values(usage).some((count) => count !== 0)),
    ),
    about,
  }
}

/** As the log's readers do it: each key replaces the former one, metadata key by key. */
function setLabels(labels: JsonObject, set: JsonObject): void {
  for (const [name, value] of Object.entries(set)) {
    if (['carriedUsage', 'createdAt', 'lastActivity'].includes(name)) continue
    const former = labels[name]
    const isMerged = name === 'metadata' && isObject(value) && isObject(former)
    labels[name] = isMerged ? { ...(former as JsonObject), ...(value as JsonObject) } : (value as Json)
  }
}
