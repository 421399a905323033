/** All that readers see of a log, in a form that can be compared. */
import type { Json } from '../../src/base/json.js'
import { toAgentMessage } from '../../src/contracts/persistence/message.js'
import { Exchange } from '../../src/log/context.js'
import { activeMessages, shownOf } from '../../src/log/context-order.js'
import { archivedOf, foldAll, timesOf } from '../../src/log/fold.js'
import { stateOf } from '../../src/log/labels.js'
import { isLine, type Line, namedIds, type Piece } from '../../src/log/line.js'
import { parseLines, timeOf } from '../../src/log/parse.js'
import { refsOf } from '../../src/log/refs.js'
import { totalUsage } from '../../src/log/usage.js'
import { messageLines, messageOf, messagesOf } from '../../src/log/views.js'
import { knownId, type Visibility, visibilityOf } from '../../src/log/visibility.js'
import { archiveOf } from './archive.js'

export function read(bytes: Buffer): { pieces: Piece[]; lines: Line[]; visibility: Visibility } {
  const pieces = parseLines(bytes)
  return { pieces, lines: pieces.filter(isLine), visibility: visibilityOf(pieces) }
}

/** The ids that `remove` lines name. */
export function removedIds(lines: readonly Line[]): Set<string> {
  return new Set(lines.filter(({ kind }) => kind === 'remove').flatMap(namedIds))
}

/** When it is read: some values of the histories have expired by then. */
export const READ_AT = Date.parse('2026-11-24T12:00:00.000Z')

/** What names hold, by name. */
export function namedIn(lines: readonly Line[], visibility: Visibility): Array<[string, Json]> {
  const last = new Map<string, Line>()
  for (const line of lines)
    if (line.kind === 'value' && visibility.copies.get(line.offset) !== 'duplicate')
      last.set(String(line.value.name), line)
  const expired = ({ value }: Line) => Date.parse(timeOf(value.expires) ?? '9999-12-31') <= READ_AT
  const there = [...last].filter(([, line]) => ('value' in line.value || 'bytes' in line.value) && !expired(line))
  return there
    .map(([name, { value }]): [string, Json] => [name, 'value' in value ? value.value! : { bytes: value.bytes! }])
    .sort(([a], [b]) => (a < b ? -1 : 1))
}

export function readingOf(bytes: Buffer, fileTime: string) {
  const { pieces, lines, visibility } = read(bytes)
  const summary = foldAll(pieces, visibility)
  const { createdAt: _, ...labels } = summary.labels
  const counted = lines.filter(({ offset }) => visibility.copies.get(offset) !== 'duplicate')
  const usage = [...totalUsage(summary)].filter(([, sums]) => Object.values(sums).some((count) => count > 0))
  const { at: headerTime, ...header } = summary.header ?? { at: null }
  const active = activeMessages(pieces, visibility)
  return {
    messages: messagesOf(pieces, visibility, fileTime),
    // what SessionManager reads: values without a role too, in one order with the messages
    values: messageLines(pieces, visibility).map((line): [string, Json] => [
      knownId(line, visibility),
      messageOf(line),
    ]),
    named: namedIn(lines, visibility),
    state: stateOf(pieces, visibility),
    archive: archiveOf(pieces, visibility, fileTime),
    archived: archivedOf(summary, fileTime),
    context: {
      active: active.messages.map((line) => toAgentMessage(line, visibility, fileTime, '')),
      shown: shownOf(active).map((line) => knownId(line, visibility)),
      pending: new Exchange(active.messages, active.waits).hasPending,
    },
    usage: new Map(usage),
    times: timesOf(summary, fileTime),
    labels,
    version: summary.version,
    header,
    headerTime,
    count: summary.messages,
    waiting: summary.waiting,
    refs: refsOf(pieces, visibility).entries(),
    graph: counted.filter(({ kind }) => kind === 'commit' || kind === 'tombstone').map((line) => rawOf(bytes, line)),
    unknown: lines.filter(({ kind }) => kind === 'unknown').map((line) => rawOf(bytes, line)),
  }
}

/** The line's bytes without what ends it. */
export function rawOf(bytes: Buffer, { offset, end }: { offset: number; end: number }): string {
  const raw = bytes.subarray(offset, end)
  return (raw.at(-1) === 0x0a ? raw.subarray(0, -1) : raw).toString('latin1')
}
