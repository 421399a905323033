/** The part of a session that is copied. */
import type { LogReader } from '../../disk/log/log-reader.js'
import { Exchange } from '../../log/context.js'
import type { Line } from '../../log/line.js'
import { isChat } from '../../log/parse.js'
import { isLive, knownId, type Visibility } from '../../log/visibility.js'
import { MessageIds } from '../log/message-ids.js'

export interface ForkRange {
  /** Offset of the first message. */
  from: number
  /** Offset of the last one. */
  upTo: number
  /** Offsets of the compactions that cover messages behind it. */
  ended: ReadonlySet<number>
}

export const WHOLE: ForkRange = { from: 0, upTo: Number.POSITIVE_INFINITY, ended: new Set() }

/** The messages up to the one of the id `at` (of its line, or its own where one live message has it), and of these the `last`; undefined when there is no such message. */
export async function forkRange(
  reader: LogReader,
  visibility: Visibility,
  { at, last }: { at?: string | undefined; last?: number | undefined },
): Promise<ForkRange | undefined> {
  const named = new MessageIds(at === undefined ? [] : [at])
  const { live, ids, compactions, places } = await linesOf(reader, visibility, named)
  const end = at === undefined ? live.length : ids.indexOf(named.get(at) ?? at) + 1
  if (end === 0 && at !== undefined) return undefined
  const start = last === undefined ? 0 : startOf(live.slice(0, end), last)
  const next = live[end]?.offset ?? Number.POSITIVE_INFINITY
  const ended = compactions.filter(({ value }) => (places.get(value.through as string) ?? -1) >= next)
  return {
    from: live[start]?.offset ?? Number.POSITIVE_INFINITY,
    upTo: live[end - 1]?.offset ?? -1,
    ended: new Set(ended.map(({ offset }) => offset)),
  }
}

/** A part does not begin with the result of a call before it. */
function startOf(live: readonly Line[], last: number): number {
  return last === 0 ? live.length : new Exchange(live).wholeFrom(Math.max(0, live.length - last))
}

interface Lines {
  /** The live messages, less the texts. */
  live: Line[]
  ids: string[]
  /** The live compactions. */
  compactions: Line[]
  /** Offsets of the messages by id, removed ones included. */
  places: Map<string, number>
}

async function linesOf(reader: LogReader, visibility: Visibility, named: MessageIds): Promise<Lines> {
  const lines: Lines = { live: [], ids: [], compactions: [], places: new Map() }
  for await (const pieces of reader.blocks()) {
    for (const piece of pieces) {
      if (piece.kind !== 'message' && piece.kind !== 'compaction') continue
      if (visibility.copies.get(piece.offset) === 'duplicate') continue
      const id = knownId(piece, visibility)
      const live = isLive(piece, visibility)
      if (piece.kind === 'message') lines.places.set(id, piece.offset)
      if (live && piece.kind === 'compaction') lines.compactions.push(piece)
      else if (live) {
        named.add(piece, id)
        lines.live.push(withoutTexts(piece))
        lines.ids.push(id)
      }
    }
  }
  return lines
}

/** Only the fields that pair calls and results. */
function withoutTexts(line: Line): Line {
  if (!isChat(line)) return { ...line, value: {} }
  const { role, toolCalls, tool_calls, toolCallId, tool_call_id } = line.value
  const value = Object.entries({ role, toolCalls, tool_calls, toolCallId, tool_call_id })
  return { ...line, value: Object.fromEntries(value.filter((entry) => entry[1] !== undefined)) as Line['value'] }
}
