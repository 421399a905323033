/** Looks at markers, sidecars and processes, and tells what has changed since the last look. */
import { breatheIfDue } from '../base/event-loop.js'
import { type FileMark, markOf, sameMark } from '../disk/file-mark.js'
import { look } from '../disk/files.js'
import { checkFolder, deviceOf } from '../disk/folders.js'
import { type Liveness, livenessOf, type Owner } from '../disk/process-identity.js'
import { heardOf, heartbeatFile } from '../disk/runs/heartbeat.js'
import { markedNames } from '../disk/runs/markers.js'
import type { StoreContext } from '../session/context.js'
import { ownerOf } from '../session/run-state.js'
import { reporter } from '../session/sidecar.js'
import { ageOf, type Finding, isSameProcess, type Limits, type Moment, RunBook, type Sighting } from './run-tracker.js'
import { claimOf } from './running.js'
import type { WatchEvent } from './watch-events.js'

export class Lookout {
  readonly #context: StoreContext
  readonly #limits: Limits
  readonly #tell: (event: WatchEvent) => void
  readonly #book = new RunBook()
  /** What the sidecars of running sessions said, so that they are read when they change only. */
  readonly #sightings = new Map<string, { sidecar: FileMark; sighting: Sighting }>()
  /** Heartbeats of processes that cannot be seen: when the last one was, and since when there was no other. */
  readonly #silences = new Map<string, { heard: number | undefined; since: number }>()
  #lastLook = Number.NEGATIVE_INFINITY
  #isOver = false
  #device: number | undefined

  constructor(context: StoreContext, limits: Limits, tell: (event: WatchEvent) => void) {
    this.#context = context
    this.#limits = limits
    this.#tell = tell
  }

  /** When everything was looked at for the last time, as performance.now(). */
  get lastLook(): number {
    return this.#lastLook
  }

  stop(): void {
    this.#isOver = true
  }

  /** Looks at all sessions that run or ran at the last look; answers the marked ones that do not (or not yet) run. */
  async lookAtAll(): Promise<string[]> {
    const { layout } = this.#context
    if (!this.#isReachable()) return []
    const begun = performance.now()
    const marked = markedNames(layout)
    for (const name of new Set([...marked, ...this.#book.runs.keys()])) {
      this.#lookAt(name)
      await breatheIfDue()
      if (this.#isOver) return []
    }
    for (const name of this.#sightings.keys()) if (!this.#book.runs.has(name)) this.#sightings.delete(name)
    this.#lastLook = begun
    await this.judgeAll()
    return marked.filter((name) => !this.#book.runs.has(name))
  }

  /** A folder that is gone, or in whose place another drive is, says nothing about what runs in it. */
  #isReachable(): boolean {
    const { root } = this.#context.layout
    checkFolder(root)
    const device = deviceOf(root)
    this.#device ??= device
    return device === undefined ? this.#book.runs.size === 0 : device === this.#device
  }

  #lookAt(name: string): void {
    const sighting = this.#see(name)
    if (sighting === undefined) return
    for (const finding of this.#book.look(name, sighting, this.#moment())) this.#report(finding)
  }

  #see(name: string): Sighting | undefined {
    const { layout } = this.#context
    const sidecar = look(layout.sidecar(name))
    const former = this.#sightings.get(name)
    const log = look(layout.log(name))
    const isThere = log !== undefined && log !== 'other'
    if (isThere && sidecar !== 'other' && former && sameMark(former.sidecar, sidecar)) return former.sighting
    const claim = isThere ? claimOf(this.#context, name) : undefined
    if (claim === undefined) {
      const key = this.#book.runs.get(name)?.key
      return key === undefined ? undefined : { key, run: isThere ? null : undefined }
    }
    if (sidecar !== undefined && sidecar !== 'other') {
      this.#sightings.set(name, { sidecar: markOf(sidecar), sighting: claim })
    }
    return claim
  }

  /** Tells which runs have become stuck. */
  async judgeAll(): Promise<void> {
    const found = new Map<string, Liveness>()
    for (const [name, seen] of [...this.#book.runs]) {
      if (this.#isOver) return
      const { owner } = seen.run
      const file = heartbeatFile(this.#context.layout, owner)
      const liveness = found.get(file) ?? livenessOf(owner)
      found.set(file, liveness)
      const silence = liveness === 'unknown' ? this.#silenceOf(file, owner) : 0
      const reason = this.#book.judge(seen, { liveness, silence }, this.#limits, this.#moment())
      if (reason !== undefined) {
        // it may have ended its turn before it died
        this.#lookAt(name)
        if (this.#book.runs.get(name) === seen && isSameProcess(seen.run.owner, owner)) {
          seen.told.add(reason)
          this.#report({ type: 'stuck', seen, reason })
        }
      }
      await breatheIfDue()
    }
    for (const file of this.#silences.keys()) if (!found.has(file)) this.#silences.delete(file)
  }

  /** By this process's own clock, from the first look on: the clocks of other hosts do not matter. */
  #silenceOf(file: string, owner: Owner): number {
    const heard = heardOf(this.#context.layout, owner)
    const former = this.#silences.get(file)
    if (former !== undefined && former.heard === heard) return performance.now() - former.since
    this.#silences.set(file, { heard, since: performance.now() })
    return 0
  }

  #moment(): Moment {
    return { now: reporter(this.#context), steady: performance.now(), lastLook: this.#lastLook }
  }

  #report({ seen, ...rest }: Finding): void {
    const { key, run } = seen
    const runningMs = Math.round(ageOf(seen, this.#moment()))
    const facts = { key, turnId: run.turnId, since: new Date(run.since), runningMs, owner: ownerOf(run) }
    this.#tell({ ...facts, ...rest })
  }
}
