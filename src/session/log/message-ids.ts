/** How callers name messages: by the id of a line, or by the message's own id where exactly one message has it. */
import { isObject } from '../../base/json.js'
import type { LogReader } from '../../disk/log/log-reader.js'
import { isLine, type Line } from '../../log/line.js'
import { isChat } from '../../log/parse.js'
import { isLive, knownId } from '../../log/visibility.js'
import { visibilityIn } from './catch-up.js'

/** The `id` that the writer gave the message, if it is a string. */
export function ownIdOf({ value }: Line): string | undefined {
  const id = value.type !== undefined && isObject(value.own) ? value.own.id : undefined
  return typeof id === 'string' ? id : undefined
}

/** Which lines the wanted ids name, among the messages that are added. */
export class MessageIds {
  readonly #wanted: ReadonlySet<string>
  readonly #lines = new Set<string>()
  /** Ids of lines by own id; null where several messages have it. */
  readonly #own = new Map<string, string | null>()

  constructor(wanted: Iterable<string>) {
    this.#wanted = new Set(wanted)
  }

  /** `id`: of the line. */
  add(line: Line, id: string): void {
    if (this.#wanted.has(id)) this.#lines.add(id)
    const own = ownIdOf(line)
    if (own !== undefined && this.#wanted.has(own)) this.#own.set(own, this.#own.has(own) ? null : id)
  }

  /** The id of the line that a wanted id names. */
  get(wanted: string): string | undefined {
    return this.#lines.has(wanted) ? wanted : (this.#own.get(wanted) ?? undefined)
  }
}

/** Reads the whole log, in constant memory. */
export async function messageIdsIn(reader: LogReader, wanted: Iterable<string>): Promise<MessageIds> {
  const ids = new MessageIds(wanted)
  const visibility = await visibilityIn(reader)
  for await (const pieces of reader.blocks()) {
    for (const piece of pieces)
      if (isLine(piece) && isChat(piece) && isLive(piece, visibility)) ids.add(piece, knownId(piece, visibility))
  }
  return ids
}
