/** Readers of files whose lines simply follow one another. */
import type { JsonObject } from '../../base/json.js'
import type { Draft } from './draft/draft.js'
import { NeedsPlan, type Planner, type ResumePoint, type UnitReader } from './format.js'
import type { Job, Verdict } from './job.js'
import type { readTime } from './times.js'
import type { Unit } from './unit.js'

/** A file of one session, line by line. */
export abstract class LinearReader implements UnitReader {
  readonly job: Job
  #draft: Draft | undefined
  #latest: string | undefined
  readonly #floor: string | undefined
  #offset = 0
  #line = 0

  constructor(job: Job, state: JsonObject | undefined) {
    this.job = job
    if (state === undefined) return
    this.#floor = `${state.latest}`
    this.#latest = this.#floor
    this.#draft = this.begin(`${state.id}`)
  }

  /** The session, by the source's id of it. */
  protected begin(id: string): Draft {
    this.#draft ??= this.job.session(id)
    return this.#draft
  }

  protected get session(): Draft {
    return this.#draft ?? this.begin(this.job.file.stem)
  }

  protected abstract read(unit: Unit): Verdict

  /** The time that a line names. */
  protected abstract timeIn(value: JsonObject): ReturnType<typeof readTime>

  push(unit: Unit): Verdict {
    const at = this.timeIn(unit.value)
    // a line without an id is known by its bytes and how often they came before: behind lines that were not read, only
    // one of a later time is surely new
    if (this.#floor !== undefined && (at === undefined || at <= this.#floor)) throw new NeedsPlan()
    if (at !== undefined && (this.#latest === undefined || at > this.#latest)) this.#latest = at
    const verdict = this.read(unit)
    this.#offset = unit.end
    this.#line = unit.line
    return verdict
  }

  end(): void {
    if (this.#line > 0) void this.session
  }

  resume(): ResumePoint | undefined {
    if (this.#latest === undefined || this.#draft === undefined) return undefined
    const state = { id: this.#draft.context.sourceId, latest: this.#latest }
    return { offset: this.#offset, line: this.#line, state }
  }
}

/** For readers that read the whole from the start where they cannot go on: they need to know nothing beforehand. */
export class NoPlan implements Planner {
  push(): void {}
  plan(): undefined {}
}
