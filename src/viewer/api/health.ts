/** The check of a store as a job that goes on beside the requests, and the files in quarantine. */
import path from 'node:path'
import type { Finding } from '../../check/finding.js'
import { checkFolder } from '../../check/folder.js'
import { checkStore } from '../../check/store.js'
import { nameOfConflictCopy } from '../../disk/names.js'
import { quarantinedIn } from '../../disk/quarantine.js'
import type { StoreInternals } from '../../list/store-internals.js'
import type { CheckAnswer, HealthFinding, QuarantineAnswer } from './shapes.js'

/** Beyond this number findings are counted and not listed. */
const MAX_FINDINGS = 5_000

export class CheckJob {
  readonly #store: StoreInternals
  #answer: CheckAnswer | undefined
  #isClosed = false

  constructor(store: StoreInternals) {
    this.#store = store
  }

  /** The check that runs or ran last; begins one where there is none, or `again` is true. */
  look(again: boolean): CheckAnswer {
    if (this.#answer === undefined || (again && this.#answer.state === 'done')) {
      const answer: CheckAnswer = {
        ...{ state: 'running', checked: 0, sessions: 0, messages: 0 },
        startedAt: new Date().toISOString(),
        findings: [],
        failed: [],
      }
      this.#answer = answer
      void this.#run(answer).catch((error) => {
        answer.failed.push({ key: '', message: String(error?.message ?? error) })
        answer.state = 'done'
      })
    }
    return this.#answer
  }

  close(): void {
    this.#isClosed = true
  }

  async #run(answer: CheckAnswer): Promise<void> {
    const { layout } = this.#store.context
    const note = (findings: readonly Finding[]) => {
      for (const one of findings)
        if (answer.findings.length < MAX_FINDINGS) answer.findings.push(shown(one, layout.root))
    }
    const keys = (await this.#store.index.keys()).sort()
    answer.sessions = keys.length
    for (const key of keys) {
      if (this.#isClosed) return
      const { messages, findings, failed } = await checkStore(this.#store, { keys: [key] })
      answer.messages += messages
      note(findings)
      for (const { key, error } of failed)
        answer.failed.push({ key, message: String((error as Error)?.message ?? error) })
      answer.checked++
    }
    note(checkFolder(layout))
    answer.state = 'done'
  }
}

function shown(finding: Finding, root: string): HealthFinding {
  const { kind, key, line, offset, length, reason, isDamage } = finding
  const file = path.relative(root, finding.file) || '.'
  return { kind, key, file, line, offset, length, reason, isDamage, command: commandFor(finding, file) }
}

/** As one would type it, with --root left to the operator. */
function commandFor({ kind, key, remedy }: Finding, file: string): string | null {
  if (kind === 'conflict-copy') {
    return nameOfConflictCopy(path.basename(file)) === undefined ? null : `jsonl-sessions merge ${quoted(file)}`
  }
  if (kind === 'interrupted-turn') return 'jsonl-sessions recover'
  if (remedy === null) return null
  return key === null ? 'jsonl-sessions check --fix' : `jsonl-sessions check --fix ${quoted(key)}`
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return /^[\w./@:+-]+$/.test(text) && !text.startsWith('-') ? text : `'${text.replaceAll("'", "'\\''")}'`
}

export function quarantineIn({ context: { layout } }: StoreInternals): QuarantineAnswer {
  return { files: quarantinedIn(layout).map(({ name, file, bytes }) => ({ name, file, bytes })) }
}

/** The path of a file that a listing of the quarantine shows; a name of the client is only ever compared. */
export function quarantinedFile(store: StoreInternals, name: string, file: string): string | undefined {
  return quarantinedIn(store.context.layout).find((one) => one.name === name && one.file === file)?.path
}
