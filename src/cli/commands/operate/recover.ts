import type { CrashedRun, RecoverReport, RunEnd } from '../../../index.js'
import { escapeLine, jsonLine } from '../../terminal/escape.js'
import { count, span } from '../../terminal/format.js'
import { note, print } from '../../terminal/output.js'
import { type GlobalOptions, withExistingStore } from '../../with-store.js'

export interface RecoverCommandOptions extends GlobalOptions {
  /** Reports only unless given. */
  as?: RunEnd
  dryRun?: boolean
  json?: boolean
}

/** Exit code 1 when a session could not be recovered; the store has reported why. */
export async function recover({ root, as, dryRun, json }: RecoverCommandOptions): Promise<number> {
  return withExistingStore(root, async (store) => {
    const report = await store.recover({ action: dryRun || as === undefined ? 'report' : as })
    if (json)
      await print(jsonLine({ root: store.dir, dryRun: dryRun === true || as === undefined, ...withMessages(report) }))
    else await printReport(report, as === undefined)
    return report.failed.length > 0 ? 1 : 0
  })
}

function withMessages({ failed, ...report }: RecoverReport) {
  return { ...report, failed: failed.map(({ key, error }) => ({ key, error: String(error) })) }
}

async function printReport({ runs, tornTails, swept }: RecoverReport, isReportOnly: boolean): Promise<void> {
  for (const run of runs) await print(runText(run))
  for (const { key, length } of tornTails) {
    note(`${escapeLine(key)}: an unfinished last line, ${count(length, 'byte')}; the next write sets it aside`)
  }
  for (const file of swept) note(`cleared away ${escapeLine(file)}`)
  if (runs.length === 0) note('no turn was cut off')
  else if (isReportOnly) note('nothing was done: --as error, interrupt or idle ends these turns')
}

function runText({ key, turnId, since, owner, reason, unanswered, openToolCalls, ended }: CrashedRun): string {
  const turn = turnId === null ? 'a turn' : `turn ${escapeLine(turnId)}`
  const why = reason === 'owner-dead' ? 'is dead' : 'has fallen silent'
  const facts = [
    `${turn}, begun ${span(Date.now() - since.getTime())} ago`,
    `process ${owner.pid} on ${escapeLine(owner.host)} ${why}`,
    ...(unanswered ? ['the last message is unanswered'] : []),
    ...(openToolCalls.length > 0 ? [`${count(openToolCalls.length, 'tool call')} without result`] : []),
    ...(ended === null ? [] : [ENDED[ended]]),
  ]
  return `${escapeLine(key)}: ${facts.join('; ')}`
}

const ENDED: Record<RunEnd, string> = {
  error: 'now in state error',
  interrupt: 'now idle, with a note in the log',
  idle: 'now idle',
}
