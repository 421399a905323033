import type { Session, SessionInfo, StoredMessage } from '../../index.js'
import { findKey } from '../find-key.js'
import { escapeLine, jsonLine } from '../terminal/escape.js'
import { count } from '../terminal/format.js'
import { messageText } from '../terminal/message.js'
import { note, paint, print } from '../terminal/output.js'
import { type GlobalOptions, withExistingStore } from '../with-store.js'

export interface ShowOptions extends GlobalOptions {
  json?: boolean
  last?: number
  context?: boolean
  removed?: boolean
}

export async function show(given: string, { root, json, last }: ShowOptions): Promise<number> {
  return withExistingStore(root, async (store) => {
    const key = await findKey(store, given)
    if (key === null) return 1
    const session = store.session(key)
    const info = await session.info()
    if (!json) await print(heading(session, info, factsOf(info)))
    noteDamage(info)
    for await (const message of messagesOf(session, last)) {
      if (!(await print(json ? jsonLine(message) : `\n${messageText(message)}`))) break
    }
    return 0
  })
}

function factsOf(info: SessionInfo | null): string {
  return `${count(info?.messages ?? 0, 'message')}, ${info?.state ?? 'idle'}`
}

/** The line that a session is shown under. */
export function heading(session: Session, info: SessionInfo | null, facts: string): string {
  const name = info?.name ? `  ${escapeLine(info.name)}` : ''
  const tags = info?.tags.map((tag) => `  #${escapeLine(tag)}`).join('') ?? ''
  return `${paint(['bold', 'cyan'], escapeLine(session.key))}${name}${tags}  ${paint('dim', facts)}`
}

export function noteDamage(info: SessionInfo | null): void {
  if (info && info.damaged > 0) note(`${count(info.damaged, 'unreadable line')} skipped, see: jsonl-sessions check`)
}

/** All of them in constant memory, or the last few without reading the rest. */
async function* messagesOf(session: Session, last: number | undefined): AsyncGenerator<StoredMessage> {
  if (last === undefined) yield* session.stream()
  else yield* await session.tail(last)
}
