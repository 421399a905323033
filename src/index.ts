/**
 * jsonl-sessions: a plain-file session store for chat bots and agents.
 * @module api
 */

export type { WaitOptions } from './base/arguments.js'
export {
  type ErrorDetails,
  isSessionError,
  type LedgerCounter,
  SessionError,
  type SessionErrorCode,
  type SessionErrorOf,
} from './base/errors.js'
export type { Json } from './base/json.js'
export type { Finding, FindingKind, Remedy } from './check/finding.js'
export type { StoreCheck, StoreCheckOptions } from './check/store.js'
export type { Drive, Place as DrivePlace } from './disk/drive/mount-table.js'
export type { Measured as DriveMeasurements, Verdict as DriveVerdict } from './disk/drive/verdict.js'
export type { Fsync } from './disk/log/log-writer.js'
export type { Liveness } from './disk/process-identity.js'
export type { RunName, StuckReason } from './disk/sidecar/sidecar-file.js'
export type { ListOptions } from './list/list-options.js'
export type { GraphDamage } from './log/graph/graph.js'
export type { AnyMessage, ChatMessage, GivenMessage, LineKind, StoredMessage, Usage } from './log/line.js'
export { type Merged as MergedLogs, type MergeReport, mergeLogs } from './log/merge/merge.js'
export { type LogLine, parseLog } from './log/read-log.js'
export type { TextKind } from './log/redact.js'
export type { CleanupResult } from './retention/cleanup.js'
export type { CleanupOptions, PurgeTrashOptions } from './retention/options.js'
export type { QuarantineEntry } from './retention/quarantine.js'
export type { RedactOptions, RedactResult } from './retention/redact.js'
export type { RewriteAllResult } from './retention/rewrite-all.js'
export type { PurgeTrashResult, TrashEntry } from './retention/trash.js'
export type { RecoverReport } from './runs/recover.js'
export type { RecoverAction, RecoverOptions } from './runs/recover-options.js'
export type { RunningSession } from './runs/running.js'
export type {
  FinishedEvent,
  RecoveredEvent,
  StartedEvent,
  StuckEvent,
  WatchEvent,
  WatchEvents,
} from './runs/watch-events.js'
export type { WatchOptions } from './runs/watch-options.js'
export type { Watcher } from './runs/watcher.js'
export type { SearchMatch } from './search/match.js'
export type { SearchHit, SearchOptions } from './search/search.js'
export { wordsOf as searchWords } from './search/words.js'
export type { AppendOptions } from './session/append-options.js'
export type { Change, ChangeView, DecideChange } from './session/change/change.js'
export type { ForkOptions } from './session/change/fork.js'
export type { MergeResult } from './session/change/merge.js'
export type { RedactedLog } from './session/change/redact-log.js'
export type { RemovedMessage } from './session/change/removed-messages.js'
export type { RewindTarget } from './session/change/rewind.js'
export type { RewriteResult } from './session/change/rewrite.js'
export type { CheckReport } from './session/check.js'
export type { Entry } from './session/entry.js'
export type { SessionInfo } from './session/info.js'
export type { StoreOptions } from './session/options.js'
export type { EntriesOptions } from './session/read/entries.js'
export type { SessionStats, StatsOptions } from './session/read/stats.js'
export type { Redact } from './session/redaction.js'
export type {
  CrashedRun,
  CrashLeft,
  CrashReason,
  DamageReport,
  LostReport,
  RunEnd,
  RunOwner,
} from './session/reports.js'
export type { Session } from './session/session.js'
export type { RunState } from './session/state/run-state.js'
export type { Received } from './session/turn/inbox.js'
export type { Turn } from './session/turn/turn.js'
export type { TurnOptions } from './session/turn/turn-options.js'
export type { AbortOptions, TurnFunction } from './session/turn/turns.js'
export type { Value, ValueEntry, ValueOptions, ValueToSet } from './session/values/values.js'
export { checkDrive, type DriveCheck, type DriveCheckOptions } from './store/check-drive.js'
export { type AnyStore, openStore, type SessionStore } from './store/store.js'
export type { StoreEvents } from './store/store-events.js'
export type { MergeFileOptions } from './sync/merge-file.js'
