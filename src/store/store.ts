/** A folder of sessions. */
import path from 'node:path'
import { untilAborted } from '../base/abort.js'
import { checkNames, checkText, type WaitOptions } from '../base/arguments.js'
import { SessionError } from '../base/errors.js'
import { yieldIfDue } from '../base/event-loop.js'
import { checkStore, type StoreCheck, type StoreCheckOptions } from '../check/store.js'
import { FolderDrive } from '../disk/drive/folder-drive.js'
import { checkFolder } from '../disk/folders.js'
import { nameIn } from '../disk/given-names.js'
import { Layout } from '../disk/layout.js'
import { Leases } from '../disk/lock/leases.js'
import { FdCache } from '../disk/log/fd-cache.js'
import { checkKey } from '../disk/names.js'
import { FolderRuns } from '../disk/runs/folder-runs.js'
import { SharedFolder } from '../disk/shared-folder.js'
import { StoreRoot } from '../disk/store-root.js'
import { checkList, type ListOptions } from '../list/list-options.js'
import { SessionIndex } from '../list/session-index.js'
import type { StoreInternals, StorePart } from '../list/store-internals.js'
import type { AnyMessage, ChatMessage } from '../log/line.js'
import { type CleanupResult, cleanUp, trashSession } from '../retention/cleanup.js'
import type { CleanupOptions, PurgeTrashOptions } from '../retention/options.js'
import { type QuarantineEntry, quarantineOf, takeBack } from '../retention/quarantine.js'
import { type RedactOptions, type RedactResult, redactStore } from '../retention/redact.js'
import { type RewriteAllResult, rewriteSessions } from '../retention/rewrite-all.js'
import { type PurgeTrashResult, purgeTrash, restore, type TrashEntry, trashOf } from '../retention/trash.js'
import { type RecoverReport, recover, reportCrash } from '../runs/recover.js'
import type { RecoverOptions } from '../runs/recover-options.js'
import { type RunningSession, runningSessions } from '../runs/running.js'
import { sweepAtOpen, sweepLeftovers } from '../runs/sweep.js'
import type { WatchOptions } from '../runs/watch-options.js'
import { Watcher } from '../runs/watcher.js'
import type { SearchHit, SearchOptions } from '../search/search.js'
import { dropSaved, searchIndexOf } from '../search/search-index.js'
import { checkForkOptions, type ForkOptions, forkLog } from '../session/change/fork.js'
import type { MergeResult } from '../session/change/merge.js'
import { Clock } from '../session/clock.js'
import type { StoreContext } from '../session/context.js'
import { DamageReports } from '../session/damage.js'
import type { SessionInfo } from '../session/info.js'
import { RecentWrites } from '../session/log/recent-writes.js'
import { SessionLog } from '../session/log/session-log.js'
import { checkOptions, type Settings, type StoreOptions } from '../session/options.js'
import { Session } from '../session/session.js'
import { tidy } from '../session/values/tidy.js'
import { holdAll } from '../sync/hold.js'
import { type MergeFileOptions, mergeFile } from '../sync/merge-file.js'
import { Background } from './background.js'
import { type Kept, KeptSessions } from './session-cache.js'
import { StoreEmitter } from './store-events.js'

/** Maximum number of sessions cached between calls. */
const MAX_SESSIONS = 4_096

/**
 * Opens a store. The folder is made at the first write, and need not exist before.
 * @throws TypeError for an unknown option; SessionError ERR_NETWORK_DRIVE for a network drive without `network: true`
 * @example
 * const store = await openStore(dir, { fsync: 'everysec', lockTimeout: 5_000 })
 * await store.close()
 */
export async function openStore<M extends AnyMessage = ChatMessage>(
  dir: string,
  options?: StoreOptions,
): Promise<SessionStore<M>> {
  if (typeof dir !== 'string' || dir === '') throw new TypeError('the folder of a store must be a path')
  const settings = checkOptions(options)
  const store = new SessionStore<M>(path.resolve(dir), settings)
  try {
    if (!settings.readOnly) await store.begin()
  } catch (error) {
    await store.close().catch(() => {})
    throw error
  }
  return store
}

/** A store of messages of any type. */
// biome-ignore lint/suspicious/noExplicitAny: no other type argument accepts every store
export type AnyStore = SessionStore<any>

/** @internal What the parts of a store share. */
export function internalsOf(store: AnyStore): StoreInternals {
  return SessionStore.internalsOf(store)
}

function leasesIn(root: string): Leases {
  return new Leases(root)
}

function fdsIn(): FdCache {
  return new FdCache()
}

function driveIn(root: string): FolderDrive {
  return new FolderDrive(root)
}

function runsIn(root: string): FolderRuns {
  return new FolderRuns(new Layout(root).running)
}

export class SessionStore<M extends AnyMessage = ChatMessage> extends StoreEmitter implements AsyncDisposable {
  /** Absolute path of the folder. */
  readonly dir: string
  readonly #internals: StoreInternals
  readonly #parts = new Map<unknown, StorePart>()
  readonly #background: Background
  readonly #sessions: KeptSessions
  readonly #shared: SharedFolder
  readonly #watchers = new Set<Watcher>()
  #sweeping: Promise<void> = Promise.resolve()
  #closed: Promise<void> | undefined

  /** @internal Use `openStore`. */
  constructor(dir: string, given: Settings) {
    super()
    const settings = this.emitting(given)
    this.dir = dir
    this.#background = new Background(settings, async ({ key }) => {
      const log = this.#sessions.get(key)?.log
      return log !== undefined && tidy(log)
    })
    this.#sessions = new KeptSessions(
      MAX_SESSIONS,
      (log) => this.#background.needs(log) || log.context.leases.isInUse(log.name),
    )
    this.#shared = SharedFolder.acquire(dir)
    const layout = new Layout(dir, settings.mode === 'group')
    const { drive } = this.#shared.part(driveIn)
    const context: StoreContext = {
      layout,
      root: new StoreRoot(dir),
      clock: new Clock(settings.now),
      leases: this.#shared.part(leasesIn),
      fds: this.#shared.part(fdsIn),
      runs: this.#shared.part(runsIn),
      settings,
      damage: new DamageReports(settings),
      writes: new RecentWrites(),
      turns: new Set(),
      leasesAppends:
        settings.network || (settings.appends === undefined ? !drive.hasAtomicAppends : settings.appends === 'leased'),
      isNetwork: settings.network || drive.place === 'network',
      checkOpen: () => this.#checkOpen(),
      checkNotClosed: () => this.#checkNotClosed(),
      noteBehind: (log) => {
        if (log instanceof SessionLog) this.#sessions.noteWritten(log)
        this.#background.noteBehind(log)
      },
      noteRead: (log) => this.#background.noteRead(log),
      noteCaughtUp: (log) => this.#background.noteCaughtUp(log),
      noteAbsent: (log) => this.#sessions.noteAbsent(log),
      trash: (key, how) => trashSession(this.#entry(key).log, how),
      noteUnsynced: (log) => this.#background.noteUnsynced(log),
    }
    context.leases.isNetwork ||= context.isNetwork
    this.#internals = {
      context,
      index: new SessionIndex(context, {
        openLog: (key) => this.#sessions.get(key)?.log,
        log: (key) => this.#entry(key).log,
        writes: !settings.readOnly,
      }),
      log: (key) => this.#entry(key).log,
      part: (make) => this.#part(make),
      readOnly: settings.readOnly,
      swept: [],
    }
  }

  /** @internal What `openStore` does: at the cost of what runs, however much lies around; the rest is done beside. */
  async begin(): Promise<void> {
    const { context } = this.#internals
    this.#shared.part(driveIn).check(context.settings.network)
    context.root.check()
    checkFolder(context.layout.root)
    await sweepAtOpen(this.#internals)
    await reportCrash(this.#internals)
    this.#sweeping = this.#sweepBeside()
  }

  async #sweepBeside(): Promise<void> {
    const { settings } = this.#internals.context
    try {
      const swept = await sweepLeftovers(this.#internals, () => this.#closed !== undefined)
      this.#internals.swept.push(...swept)
      if (swept.length > 0) settings.onCrash?.({ runs: [], swept })
    } catch (error) {
      settings.onError(error, '')
    }
  }

  /** @internal */
  static internalsOf(store: AnyStore): StoreInternals {
    return store.#internals
  }

  #part<T extends StorePart>(make: (store: StoreInternals) => T): T {
    const part = this.#parts.get(make) ?? make(this.#internals)
    this.#parts.set(make, part)
    return part as T
  }

  /**
   * The session of a key, whether it exists or not; opens no file. A log that another tool named, such as `Alice.jsonl`, is
   * that of the key `Alice`.
   * @throws TypeError, SessionError ERR_INVALID_KEY
   * @example
   * store.session('slack/C042/1700000000.0001').key
   */
  session<N extends AnyMessage = M>(key: string): Session<N> {
    return this.#entry(key).session as unknown as Session<N>
  }

  #entry(key: string): Kept {
    const known = this.#sessions.get(key)
    if (known === undefined) checkKey(key)
    const { context } = this.#internals
    // a log that another tool named may have come since
    const name = nameIn(context.layout, key, known?.log.name)
    if (known?.log.name === name) return known
    const log = new SessionLog(key, name, context)
    const entry = { session: new Session(log), log }
    this.#sessions.add(key, entry)
    return entry
  }

  /**
   * The store's clock, Unix milliseconds.
   * @example
   * store.now() // 1764313200000
   */
  now(): number {
    return this.#internals.context.clock.now()
  }

  /**
   * Every key, or every one that begins with `prefix`, ordered by UTF-16 code units.
   * @throws SessionError ERR_NOT_A_LOG, ERR_STORE_GONE, ERR_CLOSED
   * @example
   * await store.keys({ prefix: 'telegram_' })
   */
  async keys(options?: { prefix?: string }): Promise<string[]> {
    const { prefix = '' } = checkNames('keys', options, ['prefix'])
    checkText('prefix', prefix)
    this.#checkOpen()
    const keys = await this.#internals.index.keys()
    return keys.filter((key) => key.startsWith(prefix)).sort((a, b) => (a < b ? -1 : 1))
  }

  /**
   * The sessions, newest activity first: all, or the ones that the options select. The next page:
   * `list({ limit, cursor: page.at(-1) })`.
   * @throws TypeError, RangeError for wrong options
   * @example
   * const page = await store.list({ tag: 'ops', since: Date.now() - 86_400_000, limit: 20 })
   */
  async list(options?: ListOptions): Promise<SessionInfo[]> {
    this.#checkOpen()
    const rules = checkList(options)
    return untilAborted(this.#internals.index.rows(rules), rules.signal)
  }

  /**
   * Reads every line of every session and all else in the folder, or the sessions of `keys` only; with
   * `fix` it mends what needs no decision. A session that cannot be read is among `failed` and does not end the check.
   * @throws TypeError for wrong options; what `signal` was aborted with
   * @example
   * const { findings, mended } = await store.check({ fix: true })
   */
  async check(options?: StoreCheckOptions): Promise<StoreCheck> {
    this.#checkOpen()
    return checkStore(this.#internals, options)
  }

  /**
   * Rewrites every log without what no reader sees; see `Session.rewrite`. One that fails does not end it.
   * @throws TypeError for wrong options; what `signal` was aborted with
   * @example
   * const { rewritten, untouched, failed } = await store.rewriteAll()
   */
  async rewriteAll(options?: { signal?: AbortSignal }): Promise<RewriteAllResult> {
    this.#checkOpen()
    return rewriteSessions(this.#internals, options)
  }

  /**
   * Replaces what matches a pattern by `[redacted]` in what is written already: logs, removed messages included,
   * quarantine and trash, and removes the list cache. Lines stay in their places, with their ids and times. What names
   * sessions, lines and values, numbers and blobs are not changed: the result counts where it still stands. Copies that
   * others made (git, backups, exports) cannot be reached.
   * @throws TypeError for wrong options; SessionError ERR_CLOSED, ERR_STORE_GONE; what `signal` was aborted with
   * @example
   * await store.redact({ pattern: /sk-[a-z0-9]+/, dryRun: true })
   */
  async redact(options: RedactOptions): Promise<RedactResult> {
    this.#checkOpen()
    return redactStore(this.#internals, options)
  }

  /**
   * The sessions in which a message waits for its turn, by the list: a bot reads them when it starts.
   * @throws SessionError ERR_NOT_A_LOG, ERR_STORE_GONE, ERR_CLOSED
   * @example
   * for await (const session of store.waiting()) await session.turn(async () => {})
   */
  async *waiting(): AsyncGenerator<Session<M>> {
    this.#checkOpen()
    for (const key of await this.#internals.index.waiting()) yield this.session(key)
  }

  /**
   * The sessions in state running, latest start first, whether their owner lives or not. Costs what runs, not what is
   * stored.
   * @throws SessionError ERR_NOT_A_LOG, ERR_STORE_GONE, ERR_CLOSED
   * @example
   * for (const { key, turnId, runningMs } of await store.running()) console.log(key, turnId, runningMs)
   */
  async running(): Promise<RunningSession[]> {
    this.#checkOpen()
    return runningSessions(this.#internals)
  }

  /**
   * Sessions whose messages hold at least one of the words: those with most of them first, then the newest.
   * Words match as parts of the text, upper and lower case alike; a "phrase" stands for itself.
   * Without words: the newest sessions.
   * @throws TypeError, RangeError for wrong options; what `signal` was aborted with
   * @example
   * const hits = await store.search('rust "parse json"', { limit: 10 })
   */
  async search(words?: string | null, options?: SearchOptions<M>): Promise<SearchHit[]> {
    this.#checkOpen()
    const { searchSessions } = await import('../search/search.js')
    this.#checkOpen()
    return searchSessions(this.#internals, words ?? null, options as SearchOptions<never> | undefined)
  }

  /**
   * Makes the index of searches now, which else is made beside them; `bytes` is its size on disk. A store of some
   * hundred sessions needs none: `sessions` is 0.
   * @throws SessionError ERR_STORE_GONE, ERR_CLOSED
   * @example
   * const { sessions, bytes } = await store.makeIndex()
   */
  async makeIndex(): Promise<{ sessions: number; bytes: number }> {
    this.#checkOpen()
    return searchIndexOf(this.#internals).makeAll()
  }

  /**
   * Removes the index of searches and the saved rows of lists, and resolves with their size, bytes. The next calls make
   * them again.
   * @throws SessionError ERR_STORE_GONE, ERR_CLOSED
   * @example
   * await store.dropIndex() // 0
   */
  async dropIndex(): Promise<number> {
    this.#checkOpen()
    return dropSaved(this.#internals)
  }

  /**
   * Makes an independent copy of a session under a new key: live messages, labels and the compactions in force. With
   * `at` the copy ends with the message of that id, with `last` it has the last so many messages only. See
   * `ForkOptions`.
   * @throws SessionError ERR_SESSION_NOT_FOUND, ERR_SESSION_EXISTS, ERR_MESSAGE_NOT_FOUND
   * @example
   * const copy = await store.fork('telegram_ann', { at: id })
   */
  async fork(key: string, options?: ForkOptions): Promise<Session<M>> {
    const { as, ...wanted } = checkForkOptions(options)
    const copy = this.#entry(as ?? this.#internals.context.clock.id(''))
    await forkLog(this.#entry(key).log, copy.log, wanted)
    return copy.session as unknown as Session<M>
  }

  /**
   * Emits which turns begin, end, get stuck and are recovered, in any process, until it is closed or the store is.
   * @throws TypeError, RangeError for wrong options
   * @example
   * const watcher = store.watch({ stuckAfterMs: 60_000 })
   * watcher.on('stuck', ({ key, reason }) => console.log(key, reason))
   * await watcher.close()
   */
  watch(options?: WatchOptions): Watcher {
    this.#checkOpen()
    const watcher = new Watcher(this.#internals.context, options)
    this.#watchers.add(watcher)
    watcher.once('close', () => this.#watchers.delete(watcher))
    return watcher
  }

  /**
   * Finds what a crash left behind, and ends the turns that were cut off in the way of `action`: each once, however
   * many processes do this at once. Changes nothing unless an action is set.
   * @throws TypeError, RangeError for wrong options
   * @example
   * const { runs } = await store.recover({ action: 'interrupt' })
   */
  async recover(options?: RecoverOptions): Promise<RecoverReport> {
    this.#checkOpen()
    await this.#sweeping
    return recover(this.#internals, options)
  }

  /**
   * Moves sessions to the trash, longest idle first; see `CleanupOptions`. Never one in which a process that may still
   * live runs, nor what cannot be read. @throws TypeError, RangeError for wrong options
   * @example
   * const { removed } = await store.cleanup({ olderThan: 30 * 24 * 3_600_000, dryRun: true })
   */
  async cleanup(options: CleanupOptions): Promise<CleanupResult> {
    this.#checkOpen()
    return cleanUp(this.#internals, options)
  }

  /**
   * What cleanup took away and can be put back, newest first.
   * @throws SessionError ERR_NOT_A_LOG, ERR_STORE_GONE, ERR_CLOSED
   * @example
   * for (const { id, key, at } of await store.trash()) console.log(id, key, at)
   */
  async trash(): Promise<TrashEntry[]> {
    this.#checkOpen()
    return trashOf(this.#internals)
  }

  /**
   * Puts a session from the trash back; returns its key.
   * @throws SessionError ERR_SESSION_NOT_FOUND, ERR_SESSION_EXISTS
   * @example
   * await session.trash()
   * const [{ id: trashed }] = await store.trash()
   * await store.restore(trashed) // 'telegram_ann'
   */
  async restore(id: string, options?: WaitOptions): Promise<string> {
    this.#checkOpen()
    return restore(this.#internals, id, options)
  }

  /**
   * What was taken out of logs because it cannot be read, was lost, or was merged: files of bytes, newest first.
   * @throws SessionError ERR_NOT_A_LOG, ERR_STORE_GONE, ERR_CLOSED
   * @example
   * for (const { id, key, path, bytes } of await store.quarantine()) console.log(id, key, path, bytes)
   */
  async quarantine(): Promise<QuarantineEntry[]> {
    this.#checkOpen()
    return quarantineOf(this.#internals)
  }

  /**
   * Takes the lines of a file in quarantine back into the log of their session, each at its place by time, and removes
   * the file. Lines that cannot be read are to be mended in it before.
   * @throws SessionError ERR_SESSION_NOT_FOUND, ERR_NOT_A_LOG for a line that cannot be read, ERR_LOCKED
   * @example
   * for (const lost of await store.quarantine()) await store.takeBack(lost.id)
   */
  async takeBack(id: string, options?: WaitOptions): Promise<MergeResult & { key: string }> {
    this.#checkOpen()
    return takeBack(this.#internals, id, options)
  }

  /**
   * Takes in another copy of a log, such as a conflict copy of a synced folder: into the session that its name says, or
   * into that of `into`; see `Session.merge`. A conflict copy in the store's folder is moved to quarantine then; all
   * other files stay where they are.
   * @throws SessionError ERR_SESSION_NOT_FOUND where the name does not say the session, and as `Session.merge`
   * @example
   * const { key, added } = await store.merge(session.path, { into: 'another' })
   */
  async merge(file: string, options?: MergeFileOptions): Promise<MergeResult & { key: string }> {
    this.#checkOpen()
    return mergeFile(this.#internals, file, options)
  }

  /**
   * Runs `work` while no process writes to any session that is there: for a program that replaces logs, such as
   * `git pull`. Writers wait meanwhile, as long as their `lockTimeout` lets them; a write of `work` itself to a session of
   * this store would wait for its own end.
   * @throws SessionError ERR_LOCKED, ERR_STORE_GONE, ERR_CLOSED; what `work` throws
   * @example
   * await store.hold(async () => {})
   */
  async hold<T>(work: () => T | Promise<T>, options?: WaitOptions): Promise<T> {
    this.#checkOpen()
    return holdAll(this.#internals, work, options)
  }

  /**
   * Removes for good what was put into the trash long ago. @throws TypeError, RangeError for wrong options
   * @example
   * await store.purgeTrash({ olderThan: 90 * 24 * 3_600_000 })
   */
  async purgeTrash(options: PurgeTrashOptions): Promise<PurgeTrashResult> {
    this.#checkOpen()
    return purgeTrash(this.#internals, options)
  }

  /**
   * Writes what is still to be written, and releases all leases. Later calls reject with ERR_CLOSED.
   * @example
   * await store.close()
   */
  close(): Promise<void> {
    this.#closed ??= this.#closeNow()
    return this.#closed
  }

  /** `await using store = await openStore(dir)` closes it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #closeNow(): Promise<void> {
    const { leases } = this.#internals.context
    const lease = (log: SessionLog) => leases.of(log.name)
    const failures: unknown[] = []
    // what fails keeps nothing else open
    const attempt = async (work: () => unknown) => {
      try {
        await work()
      } catch (error) {
        failures.push(error)
      }
    }
    await Promise.all([...this.#internals.context.turns].map(attempt))
    await this.#sweeping
    const logs = this.#sessions.logs()
    await Promise.all([...this.#watchers].map((watcher) => attempt(() => watcher.close())))
    await Promise.all(logs.map((log) => lease(log).idle()))
    for (const part of this.#parts.values()) await attempt(() => part.close())
    await attempt(() => this.#internals.index.close())
    await attempt(() => this.#background.finish())
    for (const log of logs) {
      await attempt(() => lease(log).release())
      await log.file.idle()
      await attempt(() => log.file.closeFd())
      await yieldIfDue()
    }
    this.#sessions.clear()
    await attempt(() => this.#shared.release())
    if (failures.length > 0) throw failures[0]
  }

  #checkOpen(): void {
    this.#checkNotClosed()
    this.#internals.context.root.check()
  }

  #checkNotClosed(): void {
    if (this.#closed !== undefined) {
      throw new SessionError('ERR_CLOSED', 'the store is closed', { dir: this.dir })
    }
  }
}
