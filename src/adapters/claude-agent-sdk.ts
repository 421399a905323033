/**
 * `jsonl-sessions/adapters/claude-agent-sdk`: the transcripts of Claude Code, one session each.
 * @module adapters/claude-agent-sdk
 */
import type { SessionKey, SessionStore, SessionStoreEntry, SessionSummaryEntry } from '@anthropic-ai/claude-agent-sdk'
import { checkNames, checkText } from '../base/arguments.js'
import { isSessionError } from '../base/errors.js'
import { isObject, type Json, type JsonObject, jsonEqual, toJson } from '../base/json.js'
import { statFile } from '../disk/files.js'
import { isLine, namedIds, type Piece } from '../log/line.js'
import { isChat } from '../log/parse.js'
import { type MessageText, messageText } from '../log/serialize.js'
import { isLive, knownId, type Visibility } from '../log/visibility.js'
import { entryOf } from '../session/entry.js'
import { LogFollower } from '../session/log/log-follower.js'
import { type Draft, messageDraft } from '../session/log/pending-line.js'
import type { SessionLog } from '../session/log/session-log.js'
import type { Session } from '../session/session.js'
import { draftOf } from '../session/values/values.js'
import { type AnyStore, internalsOf } from '../store/store.js'
import { claudeLine, transcriptReader } from './lines/claude-agent-sdk.js'
import { type GivenStore, storeOf } from './shared/given-store.js'
import { itemsOf } from './shared/items.js'
import { escapedPart, joinedKey, unescapedPart } from './shared/joined-key.js'
import { KeyedTurns } from './shared/keyed-turns.js'

export interface JsonlClaudeSessionStoreOptions {
  /** First part of the keys; `claude` unless given. */
  prefix?: string
}

/** The SDK's function, a pure one. */
type Fold = (
  former: SessionSummaryEntry | undefined,
  key: SessionKey,
  entries: SessionStoreEntry[],
) => SessionSummaryEntry

/** The value `summary` of a transcript: what its lines up to `through` say. */
interface StoredSummary {
  through: string
  summary: SessionSummaryEntry
}

/** An entry, and the line that is made of it. */
interface GivenEntry {
  entry: JsonObject
  text: MessageText
}

/** How many transcripts are followed at once. */
const MAX_FOLLOWED = 64
const SUMMARY = 'summary'

/** `SessionStore` of `@anthropic-ai/claude-agent-sdk` over a store. */
export class JsonlClaudeSessionStore implements SessionStore {
  readonly #store: Promise<AnyStore>
  readonly #prefix: string
  /** By session key, the one used last at the end. */
  readonly #followed = new Map<string, Transcript>()
  readonly #turns = new KeyedTurns()
  #fold: Promise<Fold | undefined> | undefined

  /** @throws TypeError */
  constructor(store: GivenStore, options?: JsonlClaudeSessionStoreOptions) {
    const { prefix = 'claude' } = checkNames('JsonlClaudeSessionStore', options, ['prefix'])
    checkText('prefix', prefix)
    this.#prefix = prefix
    this.#store = storeOf(store)
  }

  /** Adds, in one write, the entries whose uuids are not there yet; creates the transcript if need be. */
  async append(key: SessionKey, entries: SessionStoreEntry[]): Promise<void> {
    const sessionKey = this.#keyOf(key)
    const given = (toJson(entries) as JsonObject[]).map((entry) => ({ entry, text: messageText(claudeLine(entry)) }))
    if (given.length > 0) await this.#turns.run(this.#mainOf(key), () => this.#append(key, sessionKey, given))
  }

  async #append(key: SessionKey, sessionKey: string, given: readonly GivenEntry[]): Promise<void> {
    const fold = await this.#folding()
    const { log: logOf, context } = internalsOf(await this.#store)
    const log = logOf(sessionKey)
    const transcript = this.#follow(sessionKey)
    await log.transact(async (known) => {
      await transcript.readOn(log, key, fold)
      const added = transcript.newOf(given)
      const drafts: Draft[] = []
      let through = known?.maxId ?? ''
      for (const { text } of added) {
        through = context.clock.id(through)
        drafts.push({ ...messageDraft(text), id: through })
      }
      const former = transcript.summary
      const summary =
        key.subpath === undefined &&
        fold?.(
          former,
          key,
          added.map(({ entry }) => entry as never),
        )
      if (summary && !isSame(former, summary) && added.length > 0)
        drafts.push(draftOf(context.clock, [SUMMARY, { through, summary }]))
      return { drafts, result: undefined }
    })
  }

  /** All entries in order; null for a transcript that was never written. */
  async load(key: SessionKey): Promise<SessionStoreEntry[] | null> {
    const sessionKey = this.#keyOf(key)
    const read = async () => itemsOf(internalsOf(await this.#store).log(sessionKey), transcriptReader(key.sessionId))
    const entries = await this.#turns.run(this.#mainOf(key), read)
    return entries.length === 0 ? null : (entries as SessionStoreEntry[])
  }

  async listSessions(projectKey: string): Promise<Array<{ sessionId: string; mtime: number }>> {
    return (await this.#mainsOf(projectKey)).map(({ sessionId, mtime }) => ({ sessionId, mtime }))
  }

  /** From values, without reading a transcript, which has no more than its value. */
  async listSessionSummaries(projectKey: string): Promise<SessionSummaryEntry[]> {
    const fold = await this.#folding()
    const summaries: SessionSummaryEntry[] = []
    for (const { sessionId, mtime, session } of await this.#mainsOf(projectKey)) {
      const summary = await summaryOf(session, { projectKey, sessionId }, fold)
      if (summary !== undefined) summaries.push({ ...summary, mtime })
    }
    return summaries
  }

  /** Deletes a main transcript with all below it, or one below it alone. */
  async delete(key: SessionKey): Promise<void> {
    const sessionKey = this.#keyOf(key)
    await this.#turns.run(this.#mainOf(key), async () => {
      const store = await this.#store
      const below = key.subpath === undefined ? await store.keys({ prefix: `${sessionKey}/` }) : []
      for (const one of [...below, sessionKey]) {
        await store.session(one).delete()
        this.#followed.delete(one)
      }
    })
  }

  async listSubkeys({ projectKey, sessionId }: { projectKey: string; sessionId: string }): Promise<string[]> {
    const prefix = `${this.#keyOf({ projectKey, sessionId })}/`
    await this.#turns.settled()
    return (await (await this.#store).keys({ prefix })).map((key) => key.slice(prefix.length))
  }

  /** The id is escaped although nothing may follow it: what is below a main transcript has a key of its own. */
  #keyOf({ projectKey, sessionId, subpath }: SessionKey): string {
    checkText('projectKey', projectKey)
    checkText('sessionId', sessionId)
    if (subpath !== undefined) checkText('subpath', subpath)
    if (subpath === '') throw new TypeError('subpath must not be empty: a main transcript has none')
    const main = this.#mainOf({ projectKey, sessionId })
    return subpath === undefined ? main : `${main}/${subpath}`
  }

  #mainOf({ projectKey, sessionId }: SessionKey): string {
    return joinedKey(this.#prefix, projectKey, escapedPart(sessionId))
  }

  async #mainsOf(projectKey: string): Promise<Array<{ sessionId: string; mtime: number; session: Session }>> {
    checkText('projectKey', projectKey)
    await this.#turns.settled()
    const store = await this.#store
    const prefix = joinedKey(this.#prefix, projectKey, '')
    const keys = (await store.keys({ prefix })).filter((key) => !key.includes('/', prefix.length))
    return keys.flatMap((key) => {
      const session = store.session(key)
      const mark = statFile(session.path)
      if (mark === undefined || mark === 'other') return []
      return [{ sessionId: unescapedPart(key.slice(prefix.length)), mtime: Math.floor(mark.mtimeMs), session }]
    })
  }

  #follow(key: string): Transcript {
    const transcript = this.#followed.get(key) ?? new Transcript()
    this.#followed.delete(key)
    this.#followed.set(key, transcript)
    if (this.#followed.size > MAX_FOLLOWED) this.#followed.delete(this.#followed.keys().next().value as string)
    return transcript
  }

  /** Undefined where the SDK is not installed: transcripts are kept all the same. */
  #folding(): Promise<Fold | undefined> {
    this.#fold ??= import('@anthropic-ai/claude-agent-sdk').then(
      ({ foldSessionSummary }) => foldSessionSummary,
      (error) => {
        if (error.code === 'ERR_MODULE_NOT_FOUND') return undefined
        throw error
      },
    )
    return this.#fold
  }
}

/** The cached state of one transcript. */
class Transcript {
  readonly #follower = new LogFollower()
  /** Ids of lines by uuid. */
  readonly #lines = new Map<string, string>()
  /** What all entries say together. */
  summary: SessionSummaryEntry | undefined

  async readOn(log: SessionLog, key: SessionKey, fold: Fold | undefined): Promise<void> {
    let read = transcriptReader(key.sessionId)
    await this.#follower.readOn(log, {
      restart: () => {
        this.#lines.clear()
        this.summary = undefined
        read = transcriptReader(key.sessionId)
      },
      add: (pieces, visibility) => {
        const entries = this.#add(pieces, visibility, read)
        if (entries.length > 0 && key.subpath === undefined)
          this.summary = fold?.(this.summary, key, entries as SessionStoreEntry[])
      },
    })
  }

  /** Those whose uuid is not there, of equal ones the first. */
  newOf<T extends { entry: JsonObject }>(given: readonly T[]): T[] {
    const seen = new Set<Json>()
    return given.filter(({ entry: { uuid } }) => {
      if (typeof uuid !== 'string') return true
      const isNew = !this.#lines.has(uuid) && !seen.has(uuid)
      seen.add(uuid)
      return isNew
    })
  }

  #add(pieces: readonly Piece[], visibility: Visibility, read: ReturnType<typeof transcriptReader>): JsonObject[] {
    const entries: JsonObject[] = []
    for (const piece of pieces) {
      if (piece.kind === 'remove') this.#forget(new Set(namedIds(piece)))
      if (!isLine(piece) || !isChat(piece) || !isLive(piece, visibility)) continue
      const entry = read(entryOf(piece, visibility, new Date(0).toISOString()))
      if (entry === undefined) continue
      entries.push(entry)
      if (typeof entry.uuid === 'string') this.#lines.set(entry.uuid, knownId(piece, visibility))
    }
    return entries
  }

  #forget(removed: ReadonlySet<string>): void {
    for (const [uuid, line] of this.#lines) if (removed.has(line)) this.#lines.delete(uuid)
  }
}

/** The summary of a transcript: its value, and the entries behind that. */
async function summaryOf(
  session: Session,
  key: SessionKey,
  fold: Fold | undefined,
): Promise<SessionSummaryEntry | undefined> {
  const stored = await session.getValue<StoredSummary>(SUMMARY)
  const isWhole = isObject(stored) && typeof stored.through === 'string' && isObject(stored.summary)
  if (fold === undefined) return isWhole ? stored.summary : undefined
  const read = transcriptReader(key.sessionId)
  if (isWhole) {
    try {
      const behind: SessionStoreEntry[] = []
      // from the end on, up to that line
      for await (const entry of session.entries({ after: stored.through, last: Number.MAX_SAFE_INTEGER })) {
        const item = read(entry)
        if (item !== undefined) behind.push(item as SessionStoreEntry)
      }
      return behind.length === 0 ? stored.summary : fold(stored.summary, key, behind)
    } catch (error) {
      if (!isSessionError(error, 'ERR_MESSAGE_NOT_FOUND')) throw error
    }
  }
  const all: SessionStoreEntry[] = []
  for await (const entry of session.entries()) {
    const item = read(entry)
    if (item !== undefined) all.push(item as SessionStoreEntry)
  }
  return all.length === 0 ? undefined : fold(undefined, key, all)
}

function isSame(former: SessionSummaryEntry | undefined, next: SessionSummaryEntry): boolean {
  return former !== undefined && jsonEqual(toJson(former.data), toJson(next.data))
}
