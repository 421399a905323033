/** Slack: an export folder or .zip with `channels.json`, `users.json`, and a folder a channel with a file a day. */
import type { Json, JsonObject } from '../../base/json.js'
import { objectOf, objectsOf, textOr } from '../shared/blocks.js'
import type { Draft } from '../shared/draft/draft.js'
import { others } from '../shared/fields.js'
import type { FolderFormat } from '../shared/format.js'
import { countVerdict, type Job, noCounts, type SourceFolder } from '../shared/job.js'
import { senderOf } from '../shared/senders.js'
import { unitOf } from '../shared/unit.js'

const FIELDS = new Set(['type', 'user', 'text', 'ts', 'thread_ts', 'username', 'user_profile'])
/** Events of a channel that are no messages. */
const EVENTS = /^(channel|group)_|^(bot_add|bot_remove|pinned_item|unpinned_item|reminder_add|tombstone)$/
const LISTS = ['channels.json', 'groups.json', 'dms.json', 'mpims.json']

function readList(folder: SourceFolder, file: string, job: Job): JsonObject[] {
  const bytes = folder.read(file)
  if (bytes === undefined) return []
  try {
    return objectsOf(JSON.parse(bytes.toString()))
  } catch {
    job.warn(`${file}: not JSON`)
    return []
  }
}

function nameOf(user: JsonObject): string | undefined {
  return textOr(user.real_name) ?? textOr(objectOf(user.profile).real_name) ?? textOr(user.name)
}

/** Entities and mentions as they are shown. */
function shown(text: string, names: ReadonlyMap<string, string>): string {
  return text
    .replace(/<@([A-Z0-9]+)(?:\|[^>]*)?>/g, (mention, id: string) => (names.has(id) ? `@${names.get(id)}` : mention))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
}

function writeMessage(
  draft: Draft,
  message: JsonObject,
  line: number,
  names: ReadonlyMap<string, string>,
  job: Job,
): 'used' | 'record' {
  const unit = unitOf(message, line)
  const { ts: at, text, thread_ts, subtype } = message
  if (message.type !== 'message' || (typeof subtype === 'string' && EVENTS.test(subtype))) {
    draft.record(unit, at)
    return 'record'
  }
  const raw = typeof text === 'string' ? text : ''
  const content = shown(raw, names)
  const senderId = textOr(message.user) ?? textOr(message.bot_id)
  const name = names.get(senderId ?? '') ?? textOr(message.username) ?? textOr(objectOf(message.user_profile).real_name)
  const { role, fields } = senderOf(job, name, senderId)
  draft.message(unit, {
    id: textOr(at),
    at,
    role,
    content,
    fields: { ...fields, ...(typeof thread_ts === 'string' ? { threadTs: thread_ts } : {}) },
    source: { ...others(message, FIELDS), ...(raw === content ? {} : { text: raw }) },
  })
  return 'used'
}

export const slack: FolderFormat = {
  kind: 'folder',
  name: 'slack',
  title: 'Slack exports, a folder or a .zip',
  hints: ['slack'],
  sniff({ entries }) {
    const isExport = entries.includes('users.json') && LISTS.some((list) => entries.includes(list))
    return isExport ? { weight: 3, why: 'channels.json and users.json' } : undefined
  },
  convert(folder, job) {
    const counts = noCounts()
    const names = new Map<string, string>()
    for (const user of readList(folder, 'users.json', job)) {
      const name = nameOf(user)
      if (typeof user.id === 'string' && name !== undefined) names.set(user.id, name)
    }
    const channels = new Map<string, JsonObject>()
    for (const list of LISTS) {
      for (const channel of readList(folder, list, job)) {
        const name = textOr(channel.name) ?? textOr(channel.id)
        if (name !== undefined) channels.set(name, channel)
      }
    }
    const folders = folder.list('').flatMap((entry) => (entry.endsWith('/') ? [entry.slice(0, -1)] : []))
    const listed = [...channels.keys()].filter((name) => folders.includes(name))
    for (const name of new Set([...listed, ...folders])) writeChannel(name)
    function writeChannel(name: string): void {
      const channel = channels.get(name) ?? { name }
      const messages = folder
        .list(name)
        .flatMap((file) => (file.endsWith('.json') ? readList(folder, `${name}/${file}`, job) : []))
      if (messages.length === 0) return
      const id = textOr(channel.id) ?? name
      const inOrder = messages
        .map((message, place) => ({ message, place }))
        .sort((a, b) => byTs(a.message.ts, b.message.ts) || a.place - b.place)
      for (const { message } of inOrder) {
        const thread = job.options.threads === true ? textOr(message.thread_ts) : undefined
        const draft = job.session(thread === undefined ? id : `${id}/${thread}`)
        draft.setName(channel.name ?? name)
        countVerdict(counts, writeMessage(draft, message, counts.lines + 1, names, job))
      }
      job.session(id).keep(unitOf(channel, 0))
    }
    return counts
  },
}

/** Times of messages are numbers of many digits, as texts. */
function byTs(a: Json | undefined, b: Json | undefined): number {
  const [x, y] = [`${a}`, `${b}`]
  return Number.parseInt(x, 10) - Number.parseInt(y, 10) || (x < y ? -1 : x > y ? 1 : 0)
}
