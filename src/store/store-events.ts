/** What a store reports while it works. */
import { EventEmitter } from 'node:events'
import type { Settings } from '../session/options.js'
import type { CrashLeft, DamageReport, LostReport } from '../session/reports.js'

/** The events of a store and their arguments. */
export interface StoreEvents {
  /** Reading met lines that cannot be read. They are skipped and stay where they are. */
  damage: [report: DamageReport]
  /**
   * A log lacks messages that this process wrote: a sync put an older state or another machine's in its place. They lie
   * in a file of their own, which `session.merge` takes back.
   */
  lost: [report: LostReport]
  /**
   * A crash left something that opening the store found. Emitted before `openStore` resolves: use the option `onCrash`.
   */
  crash: [left: CrashLeft]
  /** Work in the background failed, such as writing a sidecar, or a listener threw. Nothing is lost by it. */
  error: [error: unknown, key: string]
}

/** Events of which none, and no listener that throws, ends the work that reports them. */
export class StoreEmitter extends EventEmitter<StoreEvents> {
  /** The settings with callbacks that emit; callbacks of the caller become listeners. */
  protected emitting(settings: Settings): Settings {
    this.on('damage', settings.onDamage)
    this.on('lost', settings.onLost)
    this.on('error', settings.onError)
    if (settings.onCrash !== undefined) this.on('crash', settings.onCrash)
    return {
      ...settings,
      onDamage: (report) => this.#report('damage', report.key, [report]),
      onLost: (report) => this.#report('lost', report.key, [report]),
      onError: (error, key) => this.#report('error', key, [error, key]),
      onCrash: settings.onCrash && ((left) => this.#report('crash', '', [left])),
    }
  }

  #report<E extends keyof StoreEvents>(event: E, key: string, args: StoreEvents[E]): void {
    for (const listener of this.rawListeners(event) as Array<(...args: StoreEvents[E]) => unknown>) {
      const failed = (error: unknown) => {
        if (event !== 'error') this.#report('error', key, [error, key])
      }
      try {
        Promise.resolve(listener.apply(this, args)).catch(failed)
      } catch (error) {
        failed(error)
      }
    }
  }
}
