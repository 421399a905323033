import { count } from '../terminal/format.js'
import { note, paint, print, terminalWidth } from '../terminal/output.js'

/** How far the work is. */
export interface Progress {
  done: number
  failed: number
  running: number
  /** Share of the input that was dealt with, 0 to 1; null when its length is not known. */
  share: number | null
}

const REDRAW_MS = 100
const FIRST_LINE_MS = 2_000
const LINE_MS = 10_000
const BAR = 24

/** Shows progress on stderr: a bar on a terminal, else a line at intervals while something changes. */
export class ProgressView {
  readonly #look: () => Progress
  readonly #bar = process.stderr.isTTY === true && process.env.TERM !== 'dumb'
  readonly #started = performance.now()
  #timer: NodeJS.Timeout | undefined
  #shown = false
  #lastDone = 0

  constructor(look: () => Progress, isQuiet = false) {
    this.#look = look
    if (!isQuiet) this.#schedule(this.#bar ? REDRAW_MS : FIRST_LINE_MS)
  }

  /** Prints a line without damage to the bar. */
  note(text: string): void {
    this.#clear()
    note(text)
    if (this.#bar) this.#draw()
  }

  /** Prints data; where that goes to the same terminal, the bar makes room. */
  async print(text: string): Promise<void> {
    if (process.stdout.isTTY) this.#clear()
    await print(text)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#clear()
  }

  #schedule(ms: number): void {
    this.#timer = setTimeout(() => {
      if (this.#bar) this.#draw()
      else this.#line()
      this.#schedule(this.#bar ? REDRAW_MS : LINE_MS)
    }, ms).unref()
  }

  #draw(): void {
    if (this.#timer === undefined) return
    const text = barLine(this.#look(), (performance.now() - this.#started) / 1000)
    // One column stays free: a full line would wrap in some terminals.
    process.stderr.write(`\r${paintBar(text.slice(0, terminalWidth(process.stderr) - 1))}\x1b[K`)
    this.#shown = true
  }

  #clear(): void {
    if (!this.#shown) return
    process.stderr.write('\r\x1b[K')
    this.#shown = false
  }

  #line(): void {
    const progress = this.#look()
    if (progress.done === this.#lastDone) return
    this.#lastDone = progress.done
    note(plainLine(progress))
  }
}

/** `[######......]  50 %  12 turns, 1 failed, 3 running, 40/s` or, without a share, the counters alone. */
export function barLine(progress: Progress, seconds: number): string {
  const rate = seconds < 1 ? '' : `, ${(progress.done / seconds).toFixed(progress.done < 10 * seconds ? 1 : 0)}/s`
  const counters = `${counted(progress)}, ${progress.running} running${rate}`
  if (progress.share === null) return counters
  const filled = Math.floor(progress.share * BAR)
  return `[${'#'.repeat(filled)}${'.'.repeat(BAR - filled)}] ${percent(progress.share).padStart(5)}  ${counters}`
}

function plainLine(progress: Progress): string {
  return progress.share === null ? counted(progress) : `${percent(progress.share)}: ${counted(progress)}`
}

function counted({ done, failed }: Progress): string {
  return `${count(done, 'turn')}${failed > 0 ? `, ${failed} failed` : ''}`
}

function percent(share: number): string {
  return `${Math.floor(share * 100)} %`
}

function paintBar(text: string): string {
  return text.replace(/^\[#+/, (done) => paint('green', done, process.stderr))
}
