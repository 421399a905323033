export const SECOND = 1000
export const HOUR = 3_600_000

/** A clock that stands still until a case moves it. */
export class Clock {
  ms = Date.UTC(2026, 0, 1, 12)
  readonly now = (): number => this.ms

  get date(): Date {
    return new Date(this.ms)
  }

  get iso(): string {
    return this.date.toISOString()
  }

  /** Moves on (or back) and returns the new time. */
  move(ms: number): Date {
    this.ms += ms
    return this.date
  }
}
