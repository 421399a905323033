/** What all imports of one source have in common: their options, their report, and how a session is put into the store. */
import type { StoreInternals } from '../../list/store-internals.js'
import type { Draft } from '../shared/draft/draft.js'
import type { ImportMeta } from './import-meta.js'
import type { ReadOptions } from './read-units.js'
import { type FileReport, type SessionReport, sessionReport } from './report.js'
import type { Source } from './sources.js'
import { SessionWriter } from './write-session.js'

export interface SourceOptions extends Omit<ReadOptions, 'final'> {
  final?: boolean | undefined
  dryRun: boolean
}

export interface SourceReport {
  file: FileReport
  sessions: SessionReport[]
  warnings: string[]
}

/** The options with the key that the source's folder names, unless the caller names one. */
export function keyed<T extends SourceOptions>(options: T, { key }: Source): T {
  return key === undefined || options.key !== undefined ? options : { ...options, key }
}

export async function commit(
  store: StoreInternals,
  draft: Draft,
  meta: ImportMeta,
  base: ImportMeta | undefined,
  dryRun: boolean,
  writer = new SessionWriter(store.log(draft.key), draft, base),
): Promise<SessionReport> {
  const { action, added } = await writer.commit(meta, { dryRun })
  const isFork = draft.isFork && action === 'created'
  return sessionReport(draft.key, isFork ? 'forked' : action, {
    added,
    name: draft.labelSet().name,
    totals: draft.totals,
  })
}
