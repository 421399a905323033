import { isObject } from '../../base/json.js'
import { JsonlPersistence, type Message } from '../../contracts/persistence/index.js'
import type { RemovedMessage, Session, SessionInfo, StoredMessage } from '../../index.js'
import { findKey } from '../find-key.js'
import { escapeLine, jsonLine } from '../terminal/escape.js'
import { count, stamp } from '../terminal/format.js'
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
    await noteForeign(session, info)
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

function noteDamage(info: SessionInfo | null): void {
  if (info && info.damaged > 0) note(`${count(info.damaged, 'unreadable line')} skipped, see: jsonl-sessions check`)
}

/** A log without messages may be a file of another tool. */
async function noteForeign({ path }: Session, info: SessionInfo | null): Promise<void> {
  if (info?.messages !== 0) return
  const { foreignFormat, foreignNote } = await import('../foreign.js')
  const format = foreignFormat(path)
  if (format !== undefined) note(foreignNote(path, format))
}

/** All of them in constant memory, or the last few without reading the rest. */
async function* messagesOf(session: Session, last: number | undefined): AsyncGenerator<StoredMessage> {
  if (last === undefined) yield* session.stream()
  else yield* await session.tail(last)
}

/** What the model would see of a session: the summary in force, then what is not archived and belongs together. */
export async function showContext(given: string, { root, json }: ShowOptions): Promise<number> {
  return withExistingStore(root, async (store) => {
    const key = await findKey(store, given)
    if (key === null) return 1
    const session = store.session(key)
    const info = await session.info()
    const context = await new JsonlPersistence(store).loadContext(key)
    if (!json)
      await print(heading(session, info, `${context.length} in context of ${count(info?.messages ?? 0, 'message')}`))
    noteDamage(info)
    for (const message of context) {
      if (!(await print(json ? jsonLine(message) : `\n${contextText(message)}`))) break
    }
    return 0
  })
}

/** Without what no model gets to see, such as the counters. */
function contextText({ id, at, role, kind, content, toolCalls, toolCallId, agentName }: Message): string {
  const fields = Object.entries({ content, toolCalls, toolCallId, agentName }).filter(([, value]) => value !== null)
  return messageText({ id, at, role: kind === undefined ? role : `${role} (${kind})`, ...Object.fromEntries(fields) })
}

/** The messages that were removed and are still in the log, each under the id that restore wants. */
export async function showRemoved(given: string, { root, json }: ShowOptions): Promise<number> {
  return withExistingStore(root, async (store) => {
    const key = await findKey(store, given)
    if (key === null) return 1
    const session = store.session(key)
    const info = await session.info()
    const removed = await session.removed()
    if (!json) await print(heading(session, info, count(removed.length, 'removed message')))
    noteDamage(info)
    for (const one of removed) {
      if (!(await print(json ? jsonLine(one) : `\n${removedText(one)}`))) break
    }
    return 0
  })
}

function removedText({ id, at, removedAt, message }: RemovedMessage): string {
  const when = removedAt === null ? '' : `  ${paint('dim', `removed ${stamp(new Date(removedAt))}`)}`
  const text =
    isObject(message) && typeof message.role === 'string'
      ? messageText({ at, ...message, role: message.role, id })
      : `  ${jsonLine(message)}`
  return `${paint('cyan', escapeLine(id))}${when}\n${text}`
}
