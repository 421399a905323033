/** Telegram: `result.json` of a chat, or of a whole account. All senders are users, but for those named as assistant. */
import { isObject, type Json, type JsonObject } from '../../base/json.js'
import { objectOf, objectsOf, textOr } from '../shared/blocks.js'
import type { Draft } from '../shared/draft/draft.js'
import { others } from '../shared/fields.js'
import type { DocumentFormat } from '../shared/format.js'
import { countVerdict, type Job, noCounts } from '../shared/job.js'
import { senderOf } from '../shared/senders.js'
import { unitOf } from '../shared/unit.js'

const FIELDS = new Set('id type date date_unixtime from from_id text'.split(' '))

/** Texts may be in pieces of different looks. */
function textIn(text: Json | undefined): string {
  if (typeof text === 'string') return text
  if (!Array.isArray(text)) return ''
  return text
    .map((piece) =>
      typeof piece === 'string' ? piece : isObject(piece) && typeof piece.text === 'string' ? piece.text : '',
    )
    .join('')
}

function writeMessage(draft: Draft, message: JsonObject, line: number, job: Job): 'used' | 'record' {
  const unit = unitOf(message, line)
  const at = message.date_unixtime ?? message.date
  if (message.type !== 'message') {
    draft.record(unit, at)
    return 'record'
  }
  const isPlain = typeof message.text === 'string'
  const source: JsonObject = { ...others(message, FIELDS), ...(isPlain ? {} : { text: message.text ?? null }) }
  // entities of a plain text say it once more
  if (isPlain) delete source.text_entities
  draft.message(unit, {
    id: typeof message.id === 'number' ? `${message.id}` : undefined,
    at,
    content: textIn(message.text),
    ...senderOf(job, textOr(message.from), textOr(message.from_id)),
    source,
  })
  return 'used'
}

function isChat(value: Json | undefined): boolean {
  return (
    isObject(value) &&
    Array.isArray(value.messages) &&
    value.messages.length > 0 &&
    objectsOf(value.messages).every(isMessage)
  )
}

function isMessage({ type, date, date_unixtime }: JsonObject): boolean {
  return (type === 'message' || type === 'service') && (date !== undefined || date_unixtime !== undefined)
}

export const telegram: DocumentFormat = {
  kind: 'document',
  name: 'telegram',
  title: 'Telegram exports (result.json)',
  hints: ['telegram'],
  sniff({ shape, objects }) {
    const [value] = objects
    if (shape !== 'object' || value === undefined) return undefined
    if (isChat(value)) return { weight: 3, why: 'messages with type and date' }
    const chats = objectsOf(objectOf(value.chats).list)
    return chats.length > 0 && chats.some((chat) => isChat(chat)) ? { weight: 3, why: 'a list of chats' } : undefined
  },
  convert(value, job) {
    const counts = noCounts()
    const file = objectOf(value)
    const lists = [file.chats, file.left_chats].flatMap((list) => objectsOf(objectOf(list).list))
    for (const chat of Array.isArray(file.messages) ? [file] : lists) {
      const id = typeof chat.id === 'number' || typeof chat.id === 'string' ? `${chat.id}` : job.file.stem
      const draft = job.session(id)
      draft.setName(chat.name)
      draft.setMetadata('chatType', chat.type)
      for (const message of objectsOf(chat.messages))
        countVerdict(counts, writeMessage(draft, message, counts.lines + 1, job))
    }
    return counts
  },
}
