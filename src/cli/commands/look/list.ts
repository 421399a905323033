import { resolve } from 'node:path'
import type { SessionInfo, SessionStore } from '../../../index.js'
import { EXIT } from '../../exit-code.js'
import { foreignNote } from '../../foreign.js'
import { escapeLine, flatten, jsonLine } from '../../terminal/escape.js'
import { ago, size } from '../../terminal/format.js'
import { note, paint, print, terminalWidth } from '../../terminal/output.js'
import { type Column, table } from '../../terminal/table.js'
import { type GlobalOptions, readStore, storeIsThere } from '../../with-store.js'

export interface ListOptions extends GlobalOptions {
  json?: boolean
  limit?: number
  tag?: string
}

export async function list({ root, json, tag, limit = Number.POSITIVE_INFINITY }: ListOptions): Promise<number> {
  const isThere = await storeIsThere(root)
  const { all, shown, foreign } = isThere
    ? await readStore(root, async (store) => {
        const previews = json ? 0 : Math.min(MOST_PREVIEWS, limit)
        const all = await store.list({ ...(tag === undefined ? {} : { tag }), previews, save: true })
        const shown = all.slice(0, limit)
        if (json) {
          const withFiles = shown.map((info) => ({ ...info, file: store.session(info.key).path }))
          return { all, shown: withFiles, foreign: [] }
        }
        return { all, shown, foreign: await foreignAmong(store, all) }
      })
    : { all: [], shown: [], foreign: [] }
  if (json) {
    await print(jsonLine({ root: resolve(root), total: all.length, sessions: shown }))
    return EXIT.done
  }
  if (shown.length > 0) await print(await tableOf(shown, tag !== undefined))
  const damaged = all.filter((info) => info.damaged > 0).length
  if (damaged > 0) note(`${damaged} with unreadable lines, see: jsonl-sessions check`)
  for (const text of foreign) note(text)
  if (shown.length < all.length) note(`${shown.length} of ${all.length} sessions`)
  else if (isThere && all.length === 0)
    note(tag === undefined ? 'no sessions' : `no sessions with the tag ${escapeLine(tag)}`)
  return EXIT.done
}

/** The first message of so many sessions without a name is read. */
const MOST_PREVIEWS = 50

/** Characters of a preview: one long text must not widen every row of a piped list. */
const PREVIEW_LENGTH = 60

function beginningOf(text: string): string {
  const characters = Array.from(text)
  return characters.length <= PREVIEW_LENGTH ? text : `${characters.slice(0, PREVIEW_LENGTH - 1).join('')}…`
}

/** So many logs without messages are read. */
const MOST_LOOKS = 20

/** Notes on logs without messages that another tool wrote. */
async function foreignAmong(store: SessionStore, infos: readonly SessionInfo[]): Promise<string[]> {
  const empty = infos.filter(({ messages, bytes }) => messages === 0 && bytes > 0).slice(0, MOST_LOOKS)
  if (empty.length === 0) return []
  const { foreignFormat } = await import('../../../formats/index.js')
  const notes: string[] = []
  for (const { key } of empty) {
    const file = store.session(key).path
    const format = await foreignFormat(file)
    if (format !== undefined) notes.push(foreignNote(file, format))
  }
  return notes
}

const STATE_STYLE = { running: 'yellow', error: 'red' } as const

/** A state that needs attention stands out. */
export function paintState(text: string): string {
  const style = STATE_STYLE[text as keyof typeof STATE_STYLE]
  return style ? paint(style, text) : text
}

const COLUMNS: readonly Column[] = [
  { title: 'KEY', whole: true, paint: (text) => paint('cyan', text) },
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
    info.name ? escapeLine(info.name) : previewText(info.preview),
    String(info.messages),
    ago(info.lastActivity, now),
    info.state,
    size(info.bytes),
  ])
}

/** In quotes, so that no text can pose as a name. */
function previewText(preview: string | undefined): string {
  return preview === undefined ? '' : `“${escapeLine(beginningOf(flatten(preview)))}”`
}
