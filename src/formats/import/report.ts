/** What an import did, file by file and session by session. */
import type { Usage } from '../../log/line.js'
import { type Totals, unansweredIn } from '../shared/draft/totals.js'
import type { Counts } from '../shared/job.js'
import type { BadLine } from './import-meta.js'

/** `lines` is the sum of the other counters, of `bad` and of `torn`. */
export interface FileReport extends Counts {
  path: string
  format: string
  bad: BadLine[]
  /** Lines at the end that were cut off in the middle. */
  torn: number
}

export interface SessionReport {
  key: string
  action: 'created' | 'extended' | 'unchanged' | 'forked'
  name: string | null
  messages: number
  /** Messages that came in now. */
  added: number
  roles: Record<string, number>
  toolCalls: number
  /** Calls without a result. */
  unanswered: number
  compactions: number
  /** Tokens of all model calls on the path, also of calls that no message carries. */
  usage: Usage
}

export interface ImportReport {
  files: FileReport[]
  sessions: SessionReport[]
  warnings: string[]
}

export function sessionReport(
  key: string,
  action: SessionReport['action'],
  { added, name, totals }: { added: number; name: unknown; totals: Totals },
): SessionReport {
  const { messages, roles, toolCalls, compactions, usage } = totals
  return {
    key,
    action,
    name: typeof name === 'string' ? name : null,
    messages,
    added,
    roles,
    toolCalls,
    unanswered: unansweredIn(totals),
    compactions,
    usage,
  }
}
