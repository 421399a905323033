/**
 * Finds a text in the messages of one log of any length: raw bytes first, and only lines that may hold it are parsed.
 */

import { notFound } from '../../base/errors.js'
import { yieldIfDue } from '../../base/event-loop.js'
import { isObject, type Json } from '../../base/json.js'
import { read } from '../../disk/files.js'
import { LogReader } from '../../disk/log/log-reader.js'
import { isLine, type Line } from '../../log/line.js'
import { parseLines } from '../../log/parse.js'
import { rawScanFor } from '../../search/raw-scan.js'
import { foldedText } from '../../search/words.js'
import type { FindLine, Snippet } from './shapes.js'

const LF = 0x0a
const BLOCK_BYTES = 1024 * 1024
/** A line that is longer is passed over. */
const MAX_LINE_BYTES = 64 * 1024 * 1024
const BEFORE_CHARS = 40
const AFTER_CHARS = 80
const SEARCHED: ReadonlySet<string> = new Set(['message', 'compaction', 'value'])
/** Fields without text that readers search. */
const SKIPPED = new Set(['id', 'at', 'type', 'ids', 'through'])

export type Hit = Extract<FindLine, { hit: unknown }>['hit']

export interface Found {
  hits: Hit[]
  /** The log is searched up to this offset. */
  at: number
  size: number
}

/**
 * Hits in the order of the log, with those of each block together. `text` is taken literally, upper and lower case
 * alike.
 */
export async function* findIn(path: string, key: string, text: string, from = 0): AsyncGenerator<Found> {
  const reader = LogReader.open(path)
  if (reader === undefined) throw notFound(key)
  try {
    const lower = foldedText(text)
    const mayContain = rawScanFor([lower])
    let length = BLOCK_BYTES
    for (let at = from; at < reader.size; ) {
      const bytes = await read(reader.fd, at, Math.min(length, reader.size - at))
      const isEnd = at + bytes.length >= reader.size || bytes.length === 0
      const stop = isEnd ? bytes.length : bytes.lastIndexOf(LF) + 1
      if (stop === 0 && length < MAX_LINE_BYTES) {
        length *= 4
        continue
      }
      length = BLOCK_BYTES
      const whole = bytes.subarray(0, stop === 0 ? bytes.length : stop)
      const hits = mayContain(whole) ? hitsIn(whole, at, lower, isEnd) : []
      at = isEnd ? reader.size : at + whole.length
      yield { hits, at, size: reader.size }
      await yieldIfDue()
    }
  } finally {
    reader.close()
  }
}

function hitsIn(bytes: Buffer, base: number, lower: string, atEnd: boolean): Hit[] {
  return parseLines(bytes, base, atEnd).flatMap((piece) => {
    if (!isLine(piece) || !SEARCHED.has(piece.kind)) return []
    const snippet = snippetIn(piece, lower)
    if (snippet === undefined) return []
    const { offset, id, at, value, kind } = piece
    const role = typeof value.role === 'string' ? value.role : kind
    return [{ offset, id, at: at ?? null, role, snippet }]
  })
}

function snippetIn({ value }: Line, lower: string): Snippet | undefined {
  const open: Json[] = Object.entries(value).flatMap(([name, inner]) => (SKIPPED.has(name) ? [] : [inner]))
  for (let one = open.shift(); one !== undefined; one = open.shift()) {
    if (typeof one === 'string') {
      const place = foldedText(one).indexOf(lower)
      if (place !== -1) return snippetAt(one.normalize('NFC'), place, lower.length)
    } else if (Array.isArray(one)) open.unshift(...one.slice(0, 10_000))
    else if (isObject(one)) open.unshift(...Object.values(one))
  }
  return undefined
}

function snippetAt(text: string, place: number, length: number): Snippet {
  const start = Math.max(0, place - BEFORE_CHARS)
  const end = place + length
  return {
    before: (start > 0 ? '…' : '') + text.slice(start, place),
    match: text.slice(place, end),
    after: text.slice(end, end + AFTER_CHARS) + (end + AFTER_CHARS < text.length ? '…' : ''),
  }
}
