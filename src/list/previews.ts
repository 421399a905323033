/**
 * The first user message of a session, which a list shows where there is no name. A row remembers where it stands in
 * the log and not its text: no cache keeps a text that was taken out of a log.
 */
import { yieldIfDue } from '../base/event-loop.js'
import { nameIn } from '../disk/given-names.js'
import { sameMark } from '../disk/log/file-mark.js'
import { LogReader } from '../disk/log/log-reader.js'
import { isLine, type Piece, type Range } from '../log/line.js'
import { isChat, parseLines } from '../log/parse.js'
import { isLive } from '../log/visibility.js'
import type { StoreContext } from '../session/context.js'
import type { SessionInfo } from '../session/info.js'
import { wholeOf } from '../session/log/catch-up.js'
import { attempt } from '../session/options.js'
import type { Row } from './row.js'

/** Logs that are larger are not read for it, bytes. */
const MAX_BYTES = 256 * 1024
/** UTF-16 code units of a preview. */
const MAX_LENGTH = 256

/** Adds the previews of the first `most` sessions without a name. Calls `onRead` for each row that was added to. */
export async function addPreviews(
  context: StoreContext,
  infos: readonly SessionInfo[],
  rows: ReadonlyMap<string, Row>,
  most: number,
  onRead: () => void,
): Promise<void> {
  const nameless = infos.filter(({ name, messages, bytes }) => !name && messages > 0 && bytes <= MAX_BYTES)
  for (const info of nameless.slice(0, most)) {
    const name = nameIn(context.layout, info.key)
    const row = rows.get(name)
    if (row === undefined || row.first === null) continue
    const { first } = row
    const preview = await attempt(context.settings, info.key, () =>
      LogReader.using(context.layout.log(name), (reader) => previewIn(reader, row)),
    )
    if (preview !== undefined) info.preview = preview
    if (row.first !== first) onRead()
    await yieldIfDue()
  }
}

async function previewIn(reader: LogReader, row: Row): Promise<string | undefined> {
  const isOfRow = sameMark(row.log, reader.stat)
  const remembered = isOfRow && row.first ? textAt(reader, row.first) : undefined
  if (remembered !== undefined) return remembered
  const place = await findFirst(reader)
  if (isOfRow) row.first = place ?? null
  return place && textAt(reader, place)
}

async function findFirst(reader: LogReader): Promise<Range | undefined> {
  const { pieces, visibility } = await wholeOf(reader)
  const first = pieces.find((piece) => textOf(piece) !== undefined && isLine(piece) && isLive(piece, visibility))
  return first && { offset: first.offset, end: first.end }
}

function textAt(reader: LogReader, place: Range): string | undefined {
  const [piece] = parseLines(reader.bytesAt(place), place.offset)
  const text = piece && textOf(piece)
  // not half of a character
  return text?.slice(0, MAX_LENGTH).replace(/[\ud800-\udbff]$/, '')
}

/** Of a user message that is a text. */
function textOf(piece: Piece): string | undefined {
  if (!isLine(piece) || !isChat(piece)) return undefined
  const { role, content } = piece.value
  return role === 'user' && typeof content === 'string' ? content : undefined
}
