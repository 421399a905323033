import { join, resolve } from 'node:path'
import { nameOf } from '../../disk/names.js'
import type { SessionInfo } from '../../index.js'
import { escapeLine, jsonLine } from '../terminal/escape.js'
import { ago, size } from '../terminal/format.js'
import { note, paint, print, terminalWidth } from '../terminal/output.js'
import { type Column, table } from '../terminal/table.js'
import { type GlobalOptions, readStore, storeIsThere } from '../with-store.js'

export interface ListOptions extends GlobalOptions {
  json?: boolean
  limit?: number
  tag?: string
}

export async function list({ root, json, tag, limit = Number.POSITIVE_INFINITY }: ListOptions): Promise<number> {
  const isThere = await storeIsThere(root)
  const found = isThere ? await readStore(root, (store) => store.list()) : []
  const foreign = await foreignAmong(root, found)
  const all = tag === undefined ? found : found.filter(({ tags }) => tags.includes(tag))
  const shown = all.slice(0, limit)
  if (json) {
    await print(jsonLine({ root: resolve(root), total: all.length, sessions: shown }))
    return 0
  }
  if (shown.length > 0) await print(await tableOf(shown, tag !== undefined))
  const damaged = all.filter((info) => info.damaged > 0).length
  if (damaged > 0) note(`${damaged} with unreadable lines, see: jsonl-sessions check`)
  for (const told of foreign) note(told)
  if (shown.length < all.length) note(`${shown.length} of ${all.length} sessions`)
  else if (isThere && all.length === 0)
    note(tag === undefined ? 'no sessions' : `no sessions with the tag ${escapeLine(tag)}`)
  return 0
}

/** So many logs without messages are looked into. */
const MOST_LOOKS = 20

/** What is to be said of logs without messages that another tool wrote. */
async function foreignAmong(root: string, infos: readonly SessionInfo[]): Promise<string[]> {
  const empty = infos.filter(({ messages, bytes }) => messages === 0 && bytes > 0).slice(0, MOST_LOOKS)
  if (empty.length === 0) return []
  const { foreignFormat, foreignNote } = await import('../foreign.js')
  return empty.flatMap(({ key }) => {
    const file = join(root, `${nameOf(key)}.jsonl`)
    const format = foreignFormat(file)
    return format === undefined ? [] : [foreignNote(file, format)]
  })
}

const STATE_STYLE = { running: 'yellow', error: 'red' } as const

/** A state that deserves a look stands out. */
export function paintState(text: string): string {
  const style = STATE_STYLE[text as keyof typeof STATE_STYLE]
  return style ? paint(style, text) : text
}

const COLUMNS: readonly Column[] = [
  { title: 'KEY', paint: (text) => paint('cyan', text) },
  { title: 'NAME' },
  { title: 'MESSAGES', right: true },
  { title: 'LAST ACTIVITY' },
  { title: 'STATE', paint: paintState },
  { title: 'SIZE', right: true },
]

/** With tags where the sessions were chosen by one. */
function tableOf(infos: readonly SessionInfo[], tagged: boolean): Promise<string> {
  const rows = rowsOf(infos, new Date())
  if (!tagged) return table(COLUMNS, rows, terminalWidth())
  const tags = infos.map((info) => info.tags.map((one) => `#${escapeLine(one)}`).join(' '))
  return table(
    [...COLUMNS, { title: 'TAGS' }],
    rows.map((row, i) => [...row, tags[i] ?? '']),
    terminalWidth(),
  )
}

function rowsOf(infos: readonly SessionInfo[], now: Date): string[][] {
  return infos.map((info) => [
    escapeLine(info.key),
    escapeLine(info.name ?? ''),
    String(info.messages),
    ago(info.lastActivity, now),
    info.state,
    size(info.bytes),
  ])
}
