/** What a session holds of an earlier import, and which converted lines it still lacks. */
import { createHash } from 'node:crypto'
import { digestId, timeInId } from '../../base/ids.js'
import { canonical, isObject, type Json, type JsonObject } from '../../base/json.js'
import type { LogReader } from '../../disk/log/log-reader.js'
import { isLine, type Line, namedIds, type Piece } from '../../log/line.js'
import { removeLine } from '../../log/serialize.js'

interface KnownMessage {
  sameness: string
  /** Format and id of the source's message. */
  format: Json | undefined
  sourceId: Json | undefined
}

export interface KnownLines {
  /** Ids of all lines. */
  ids: Set<string>
  messages: Map<string, KnownMessage>
  /** Removed by an import, or by a call on this store. */
  removed: Map<string, 'import' | 'local'>
}

/** What decides whether two messages of one source id are the same. */
export function samenessOf(value: JsonObject): string {
  const { role, content, thinking, toolCalls, toolCallId } = value
  const said = [role, content, thinking, toolCalls, toolCallId].map((field) => field ?? null)
  return createHash('sha256').update(canonical(said)).digest('base64')
}

/** Reads the whole log. */
export async function knownLinesIn(reader: LogReader): Promise<KnownLines> {
  const known: KnownLines = { ids: new Set(), messages: new Map(), removed: new Map() }
  for await (const pieces of reader.blocks()) for (const piece of pieces) note(known, piece)
  return known
}

function note(known: KnownLines, piece: Piece): void {
  if (!isLine(piece)) return
  known.ids.add(piece.id)
  if (piece.kind === 'remove') {
    const by = piece.value.by === 'import' ? 'import' : 'local'
    for (const id of namedIds(piece)) if (known.removed.get(id) !== 'local') known.removed.set(id, by)
  }
  if (piece.kind !== 'message' || known.messages.has(piece.id)) return
  const source = isObject(piece.value.source) ? piece.value.source : {}
  known.messages.set(piece.id, { sameness: samenessOf(piece.value), format: source.format, sourceId: source.id })
}

/** Ids of the lines behind the last import label that says `bytes` and `hash`: what an import left that was cut off. */
export function idsBehind(reader: LogReader, bytes: number, hash: string): Set<string> {
  const ids = new Set<string>()
  for (const piece of reader.backwards()) {
    if (!isLine(piece)) continue
    const saved = piece.kind === 'meta' && isObject(piece.value.set) ? piece.value.set.import : undefined
    if (isObject(saved) && saved.bytes === bytes && saved.hash === hash) break
    ids.add(piece.id)
  }
  return ids
}

export interface Lacking {
  /** Lines to add, in order. */
  lines: string[]
  /** Messages among them. */
  messages: number
  /** Messages that left the source's path, or changed. */
  removed: string[]
  /** Messages that the source does not have any more, and the session keeps. */
  kept: number
  /** The earliest time of the lines to add. */
  from: string | undefined
}

/**
 * The lines that the session lacks. A message that says something else now, or that left the path, goes by a `remove`
 * line; what an import removed and the source has again comes back under a new id. What a call on this store removed
 * stays so.
 */
export class LackingLines {
  readonly #known: KnownLines
  readonly #format: string
  readonly #lacking: Lacking = { lines: [], messages: 0, removed: [], kept: 0, from: undefined }
  readonly #met = new Set<string>()
  readonly #sourceIds = new Set<Json>()
  /** New ids of messages that come back. */
  readonly #renamed = new Map<string, string>()

  constructor(known: KnownLines, format: string) {
    this.#known = known
    this.#format = format
  }

  add(piece: Piece, text: string): void {
    if (!isLine(piece) || piece.kind === 'session') return
    if (piece.kind === 'message') this.#message(piece, text)
    else if (!this.#known.ids.has(piece.id)) this.#push(this.#renamedIn(piece, text), piece.at)
  }

  #message(line: Line, text: string): void {
    const { source } = line.value
    if (isObject(source) && source.id !== undefined) this.#sourceIds.add(source.id)
    const same = samenessOf(line.value)
    for (let id = line.id, turn = 0; ; id = nextId(line.id, ++turn)) {
      const known = this.#known.messages.get(id)
      this.#met.add(id)
      if (known === undefined) {
        this.#lacking.messages++
        if (id !== line.id) this.#renamed.set(line.id, id)
        this.#push(id === line.id ? text : text.replace(`"id":"${line.id}"`, `"id":"${id}"`), line.at)
        return
      }
      const removed = this.#known.removed.get(id)
      if (removed === 'local') return
      if (removed === undefined) {
        if (known.sameness === same) return
        this.#lacking.removed.push(id)
      }
    }
  }

  /** A compaction that reaches to a message of another id now. */
  #renamedIn({ value }: Line, text: string): string {
    const through = typeof value.through === 'string' ? this.#renamed.get(value.through) : undefined
    return through === undefined ? text : text.replace(`"through":"${value.through}"`, `"through":"${through}"`)
  }

  #push(text: string, at: string | undefined): void {
    this.#lacking.lines.push(text)
    if (at !== undefined && (this.#lacking.from === undefined || at < this.#lacking.from)) this.#lacking.from = at
  }

  /** Of a whole reading of the source; `left` are ids of its messages off the path. */
  finish(left: ReadonlySet<string>, at: string): Lacking {
    for (const [id, { format, sourceId }] of this.#known.messages) {
      if (format !== this.#format || this.#met.has(id) || this.#known.removed.has(id)) continue
      const isLeft = sourceId !== undefined && (this.#sourceIds.has(sourceId) || left.has(`${sourceId}`))
      if (isLeft) this.#lacking.removed.push(id)
      else this.#lacking.kept++
    }
    return this.withRemovals(at)
  }

  /** Of a reading of the end of the source. */
  withRemovals(at: string): Lacking {
    const { removed, lines } = this.#lacking
    if (removed.length > 0) {
      const digest = createHash('sha256')
        .update(`remove\0${removed.join('\0')}`)
        .digest()
      const line = removeLine({ id: digestId(Date.parse(at), digest), at }, removed)
      lines.push(line.replace(/\}\n$/, ',"by":"import"}\n'))
    }
    return this.#lacking
  }
}

/** The id of what comes back for the `turn`th time. */
function nextId(id: string, turn: number): string {
  return digestId(timeInId(id), createHash('sha256').update(`${id}\0${turn}`).digest())
}
