/** The lines of our own `export --format jsonl`: a line `{session}`, then its messages. */
import { isObject, type JsonObject } from '../../base/json.js'
import { addUsage, countersOf } from '../../log/usage.js'
import { objectOf, objectsOf, textOr } from './blocks.js'
import type { Draft } from './draft/draft.js'
import type { UnitFormat, UnitReader } from './format.js'
import type { Job, Verdict } from './job.js'
import { type Unit, unitOf } from './unit.js'

class ExportedReader implements UnitReader {
  readonly #job: Job
  #draft: Draft | undefined
  #summaries: Unit[] = []

  constructor(job: Job) {
    this.#job = job
  }

  push(unit: Unit): Verdict {
    const { value } = unit
    if (isObject(value.session) && typeof value.session.key === 'string') return this.#begin(unit, value.session)
    if (this.#draft === undefined) return { bad: 'a message before the line of its session' }
    if (typeof value.role !== 'string' && value.type !== 'message') return { bad: 'no message' }
    this.#draft.given(unit)
    return 'used'
  }

  #begin(unit: Unit, session: JsonObject): Verdict {
    this.end()
    const key = `${session.key}`
    const draft = this.#job.session(key, { key })
    this.#draft = draft
    draft.createdAt = textOr(session.createdAt)
    draft.headerId = textOr(session.id)
    draft.set = objectOf(session.set)
    for (const [agent, usage] of Object.entries(objectOf(session.carriedUsage))) {
      addUsage(draft.carried, agent, countersOf(objectOf(usage)), 1)
    }
    this.#summaries = objectsOf(session.summaries).map((summary) =>
      unitOf({ type: 'compaction', ...summary }, unit.line),
    )
    return 'used'
  }

  end(): void {
    for (const summary of this.#summaries) this.#draft?.given(summary)
    this.#summaries = []
    if (this.#draft !== undefined) this.#job.close(this.#draft)
    this.#draft = undefined
  }
}

export const exported: UnitFormat = {
  kind: 'units',
  name: 'jsonl',
  title: 'lines of `export --format jsonl`',
  hints: [],
  sniff({ shape, objects }) {
    const { session } = objects[0] ?? {}
    const isOurs = shape === 'lines' && isObject(session) && typeof session.key === 'string'
    return isOurs ? { weight: 3, why: 'a line {session: {key}}' } : undefined
  },
  reader: (job) => new ExportedReader(job),
}
