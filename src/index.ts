/** jsonl-sessions: a plain-file session store for chat bots and agents. */
export type { CheckReport } from './check.js'
export type { CleanupOptions, PurgeTrashOptions } from './cleanup-options.js'
export type { CrashedRun, RunEnd } from './crash.js'
export { SessionError, type SessionErrorCode } from './errors.js'
export type { ForkOptions } from './fork.js'
export type { SessionInfo } from './info.js'
export type { Json } from './json.js'
export type { ChatMessage, StoredMessage } from './log/line.js'
export type { LostReport } from './lost-lines.js'
export type { MergeResult } from './merge-log.js'
export type { CrashLeft, DamageReport, StoreOptions } from './options.js'
export type { RecoverReport } from './recover.js'
export type { RecoverAction, RecoverOptions } from './recover-options.js'
export type { RemovedMessage } from './removed.js'
export type { CleanupResult } from './retention.js'
export type { RewindTarget } from './rewind.js'
export type { RewriteResult } from './rewrite-log.js'
export type { RunOwner, RunState } from './run-state.js'
export type { RunningSession } from './running.js'
export type { Session } from './session.js'
export { openStore, type SessionStore } from './store.js'
export type { PurgeTrashResult, TrashEntry } from './trash-can.js'
export type { Watcher } from './watch.js'
export type {
  FinishedEvent,
  RecoveredEvent,
  StartedEvent,
  StuckEvent,
  WatchEvent,
  WatchEvents,
} from './watch-events.js'
export type { WatchOptions } from './watch-options.js'
