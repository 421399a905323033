/** Where one case plays: an empty folder of its own, a clock that only the case moves, and one instance under a weather. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Clock } from './clock.js'
import { filesHolding, pathsHolding, snapshot } from './folder.js'
import { RawLog } from './raw-log.js'
import { type Opened, type Weather, Weathered } from './weather.js'

export interface Scene<T, Options> {
  readonly subject: T
  readonly weather: Weather
  /** The store's folder. */
  readonly dir: string
  readonly clock: Clock
  /** The log of a key that is its own file name. */
  log(key: string): RawLog
  /** Closes, lets `between` touch the folder, and opens again. */
  reopen(between?: () => void): Promise<void>
  /** One more instance on the same folder, without weather. */
  another(options?: Options): Promise<T>
  /** All that is in the folder, but for locks. */
  snapshot(): Record<string, string>
  /** What there is around the store's folder, where a key with `..` could reach. */
  outside(): string[]
  /** Files in the folder that hold the text. */
  filesHolding(text: string): string[]
  /** What is in the folder under a path that holds the text. */
  pathsHolding(text: string): string[]
}

export interface Stage<T, Options> {
  weather: Weather
  open(dir: string, options: Options & { now(): number }): Promise<Opened<T>>
  rewrite(subject: T): Promise<void>
}

export async function withScene<T extends object, Options extends object>(
  { weather, open, rewrite }: Stage<T, Options>,
  run: (scene: Scene<T, Options>) => Promise<void>,
): Promise<void> {
  const base = fs.mkdtempSync(path.join(os.tmpdir(), 'jsonl-sessions-'))
  const dir = path.join(base, 'up', 'up', 'store')
  fs.mkdirSync(dir, { recursive: true })
  const clock = new Clock()
  const others: Opened<T>[] = []
  const openWith = (options: Options) => open(dir, { ...options, now: clock.now })
  const weathered = new Weathered<T>({ weather, open: () => openWith({} as Options), rewrite })
  const close = async () => {
    await Promise.all(others.splice(0).map((other) => other.close()))
    await weathered.close()
  }
  try {
    await weathered.reopen()
    await run({
      subject: weathered.subject,
      weather,
      dir,
      clock,
      log(key) {
        assert.match(key, /^[a-z0-9][a-z0-9_-]*$/, 'only plain keys are their own file name')
        return new RawLog(path.join(dir, `${key}.jsonl`))
      },
      reopen: (between) => weathered.reopen(between),
      async another(options = {} as Options) {
        const opened = await openWith(options)
        others.push(opened)
        return opened.subject
      },
      snapshot: () => snapshot(dir),
      outside: () => Object.keys(snapshot(base)).filter((name) => !/^up(\/up(\/store(\/.*)?)?)?$/.test(name)),
      filesHolding: (text) => filesHolding(dir, text),
      pathsHolding: (text) => pathsHolding(dir, text),
    })
    await close()
  } catch (error) {
    await close().catch(() => {})
    throw error
  } finally {
    fs.rmSync(base, { recursive: true, force: true })
  }
}
