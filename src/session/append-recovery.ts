/** Lines of a write whose file was replaced in that instant, so that nobody can say in which file they are. */

import { SessionError } from '../base/errors.js'
import { randomNonce } from '../base/ids.js'
import type { FileMark } from '../disk/file-mark.js'
import type { LogFile } from '../disk/log-writer.js'
import type { Range } from '../log/line.js'
import type { StoreContext } from './context.js'
import type { Known } from './log-state.js'
import { type Draft, headerDraft, type Lines } from './pending-line.js'
import { idsInLog } from './torn-tail.js'

/** What is asked of a session's log. */
interface RecoverableLog {
  readonly key: string
  readonly name: string
  readonly file: LogFile
  readonly context: StoreContext
  forWriting(): Promise<Known | undefined> | Known | undefined
  mendTail(mark: FileMark, torn: Range): Promise<void>
  doubt(): void
}

/** How often this starts over when other programs keep replacing the log. */
const MAX_ATTEMPTS = 50

/**
 * Looks for the lines by their ids and writes again those that the log lacks; answers what the log says when it has
 * them all. For work under the lease.
 */
export async function rescue(log: RecoverableLog, { pieces, texts }: Lines): Promise<Known> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const known = await log.forWriting()
    const there = known === undefined ? new Set<string>() : await idsInLog(log.file.path)
    const missing = texts.filter((_, i) => !there.has(pieces[i]?.id ?? ''))
    if (known === undefined) create(log, headerDraft(log.key), texts)
    else if (missing.length === 0) return known
    else if (known.torn !== null) await log.mendTail(known.mark, known.torn)
    else log.file.append(Buffer.from((known.open ? '\n' : '') + missing.join('')), known.mark)
    log.doubt()
  }
  throw new SessionError('ERR_LOCKED', 'other programs keep replacing the log', { file: log.file.path })
}

function create({ context, name, file }: RecoverableLog, header: Draft, texts: readonly string[]): void {
  const text = [header.text(context.clock.stamp(null, '')), ...texts].join('')
  file.create(Buffer.from(text), context.layout.temporary(name, randomNonce()), true)
}
