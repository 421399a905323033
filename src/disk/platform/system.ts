/** What the operating system is asked beside file calls. A test puts others in the place of these calls. */
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'

/** Starts of processes are asked for again after this time, ms: a number can be given to another process. */
const START_MS = 60_000
const MAX_STARTS = 1_000
const POWERSHELL = ['System32', 'WindowsPowerShell', 'v1.0', 'powershell.exe']

/** When a process began, Unix milliseconds; `'gone'` for a zombie, undefined where the system does not report it. */
export type Start = number | 'gone' | undefined

export class System {
  platform: NodeJS.Platform = process.platform
  readonly #starts = new Map<number, { start: Start; asked: number }>()

  /** The text of a file of the system. */
  read(file: string): string {
    return fs.readFileSync(file).toString()
  }

  /** Where a link of the system leads. */
  link(file: string): string {
    return fs.readlinkSync(file)
  }

  /** What a program prints. */
  run(file: string, args: readonly string[]): string {
    return execFileSync(file, args, {
      encoding: 'utf8',
      timeout: 5_000,
      stdio: ['ignore', 'pipe', 'ignore'],
      windowsHide: true,
      // times in one zone and one language
      env: { ...process.env, LC_ALL: 'C', TZ: 'UTC0' },
    })
  }

  /** The number of statfs for the file system of a folder. */
  number(folder: string): number | undefined {
    return this.platform === 'linux' ? fs.statfsSync(folder).type : undefined
  }

  /**
   * When a living process of this machine began, where /proc does not say so: asked of a program, which takes
   * milliseconds (`ps`) or tenths of a second (PowerShell), and so at most once a minute for each process.
   */
  startOf(pid: number): Start {
    const known = this.#starts.get(pid)
    if (known !== undefined && performance.now() - known.asked < START_MS) return known.start
    if (this.#starts.size >= MAX_STARTS) this.#starts.clear()
    const start = this.#askForStart(pid)
    // a live process may have the number of a zombie at any moment
    if (start !== 'gone') this.#starts.set(pid, { start, asked: performance.now() })
    return start
  }

  #askForStart(pid: number): Start {
    try {
      if (this.platform === 'win32') return startInPowerShell(this.run(powerShell(), powerShellArguments(pid)))
      // of Linux without /proc nothing is known: its `ps` reads that, too
      if (this.platform === 'linux') return undefined
      return startInPs(this.run('/bin/ps', ['-o', 'stat=', '-o', 'lstart=', '-p', String(pid)]))
    } catch {
      return undefined
    }
  }
}

export const thisSystem = new System()

/** `S+   Sat Nov 28 22:30:53 2026`: the state, and the start in whole seconds of UTC. */
function startInPs(text: string): Start {
  const [, state, start] = /^\s*(\S+)\s+(\S.*)$/m.exec(text) ?? []
  if (state?.startsWith('Z')) return 'gone'
  return timeOf(`${start?.trim()} UTC`)
}

function powerShell(): string {
  return path.win32.join(process.env.SystemRoot ?? 'C:\\Windows', ...POWERSHELL)
}

function powerShellArguments(pid: number): string[] {
  const command = `(Get-Process -Id ${pid}).StartTime.ToUniversalTime().ToString('o')`
  return ['-NoProfile', '-NonInteractive', '-Command', command]
}

/** `2026-11-28T22:30:53.1234567Z` */
function startInPowerShell(text: string): Start {
  return timeOf(text.trim())
}

function timeOf(text: string): number | undefined {
  const time = Date.parse(text)
  return Number.isNaN(time) ? undefined : time
}
