import { isObject } from '../../../base/json.js'
import { JsonlPersistence, type Message } from '../../../contracts/persistence/index.js'
import type { Entry, RemovedMessage, Session, SessionInfo, SessionStore, StoredMessage } from '../../../index.js'
import { findKey } from '../../find-key.js'
import { foreignNote } from '../../foreign.js'
import { escapeLine, jsonLine } from '../../terminal/escape.js'
import { count, size, stamp } from '../../terminal/format.js'
import { messageText } from '../../terminal/message.js'
import { note, paint, print } from '../../terminal/output.js'
import { wrapped } from '../../terminal/wrap.js'
import { type GlobalOptions, readExistingStore } from '../../with-store.js'

export interface ShowOptions extends GlobalOptions {
  json?: boolean
  last?: number
  context?: boolean
  removed?: boolean
  /** Each message under the id of its line. */
  ids?: boolean
  /** Long values in full. */
  full?: boolean
}

/** What is shown of a session under its heading. */
interface Shown<T> {
  facts: string
  items: Iterable<T> | AsyncIterable<T>
  text: (item: T) => string
  /** Lines between heading and items, for people. */
  above?: AsyncIterable<string>
}

/** So many named values are shown, each up to this length. */
const MOST_VALUES = 100
const MOST_CHARS = 500

export function show(given: string, options: ShowOptions): Promise<number> {
  if (options.ids && !options.json) return showWithIds(given, options)
  return showing(given, options, (session, info) => ({
    facts: factsOf(info),
    items: messagesOf(session, info, options.last),
    above: valuesOf(session),
    text: (message: StoredMessage) => messageText(message, options),
  }))
}

function showWithIds(given: string, options: ShowOptions): Promise<number> {
  return showing<Entry>(given, options, (session, info) => ({
    facts: factsOf(info),
    items: session.entries(options.last === undefined ? {} : { last: options.last }),
    text: ({ id, at, message }) =>
      `${paint('cyan', escapeLine(id))}\n${messageText({ ...message, id, at: at.toISOString() }, options)}`,
  }))
}

async function showing<T>(
  given: string,
  { root, json }: ShowOptions,
  shownOf: (session: Session, info: SessionInfo | null, store: SessionStore) => Shown<T> | Promise<Shown<T>>,
): Promise<number> {
  return readExistingStore(root, async (store) => {
    const key = await findKey(store, given)
    const session = store.session(key)
    const info = await session.info()
    const { facts, items, text, above = [] } = await shownOf(session, info, store)
    if (!json) {
      await print(await wrapped(heading(session, info, facts)))
      for await (const line of above) await print(await wrapped(line))
    }
    noteDamage(info)
    for await (const item of items) {
      if (!(await print(json ? jsonLine(item) : await wrapped(`\n${text(item)}`)))) break
    }
    return 0
  })
}

function factsOf(info: SessionInfo | null): string {
  return `${count(info?.messages ?? 0, 'message')}, ${info?.state ?? 'idle'}`
}

async function* valuesOf(session: Session): AsyncGenerator<string> {
  let shown = 0
  for await (const [name, value] of session.values()) {
    if (++shown > MOST_VALUES) {
      yield paint('dim', '  … more values')
      return
    }
    const text = value instanceof Uint8Array ? size(value.length) : jsonLine(value)
    yield `  ${escapeLine(name)} = ${text.length > MOST_CHARS ? `${text.slice(0, MOST_CHARS)}…` : text}`
  }
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
  const { foreignFormat } = await import('../../../formats/index.js')
  const format = await foreignFormat(path)
  if (format !== undefined) note(foreignNote(path, format))
}

/** All of them in constant memory, or the last few without reading the rest. */
async function* messagesOf(
  session: Session,
  info: SessionInfo | null,
  last: number | undefined,
): AsyncGenerator<StoredMessage> {
  await noteForeign(session, info)
  if (last === undefined) yield* session.stream()
  else yield* await session.tail(last)
}

/** What the model would see of a session: the summary in force, then what is not archived and belongs together. */
export function showContext(given: string, options: ShowOptions): Promise<number> {
  return showing(given, options, async ({ key }, info, store) => {
    const items = await new JsonlPersistence(store).loadContext(key)
    return {
      facts: `${items.length} in context of ${count(info?.messages ?? 0, 'message')}`,
      items,
      text: (message: Message) => contextText(message, options),
    }
  })
}

/** Without what no model gets to see, such as the counters. */
function contextText(
  { id, at, role, kind, content, toolCalls, toolCallId, agentName }: Message,
  options: ShowOptions,
): string {
  const fields = Object.entries({ content, toolCalls, toolCallId, agentName }).filter(([, value]) => value !== null)
  return messageText(
    { id, at, role: kind === undefined ? role : `${role} (${kind})`, ...Object.fromEntries(fields) },
    options,
  )
}

/** The messages that were removed and are still in the log, each under the id that restore wants. */
export function showRemoved(given: string, options: ShowOptions): Promise<number> {
  return showing(given, options, async (session) => {
    const items = await session.removed()
    return { facts: count(items.length, 'removed message'), items, text: removedText }
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
