/**
 * The conditions under which every case must give the same answers: one instance for the whole case;
 * an instance that was opened anew before every call; logs that were rewritten after every call.
 */
import assert from 'node:assert/strict'

export type Weather = 'fresh' | 'reopened' | 'rewritten'

export const WEATHERS: readonly Weather[] = ['fresh', 'reopened', 'rewritten']

export interface Opened<T> {
  subject: T
  close(): Promise<void>
}

export interface Setup<T> {
  weather: Weather
  open(): Promise<Opened<T>>
  /** Rewrites every log of the folder. */
  rewrite(subject: T): Promise<void>
}

/**
 * Stands in for an implementation and passes each call on to the instance of the moment.
 * Calls made at once count as one: they share the instance, and the rewrite comes after the last of them.
 */
export class Weathered<T extends object> {
  readonly subject: T
  readonly #setup: Setup<T>
  #opened: Opened<T> | undefined
  #ready: Promise<void> = Promise.resolve()
  #underway = 0

  constructor(setup: Setup<T>) {
    this.#setup = setup
    this.subject = new Proxy({} as T, {
      get:
        (_, name) =>
        (...args: unknown[]) =>
          this.#call(name, args),
    })
  }

  /** Closes the instance, if there is one, lets `between` touch the folder, and opens the next. */
  async reopen(between: () => void = () => {}): Promise<void> {
    await this.close()
    between()
    this.#opened = await this.#setup.open()
  }

  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    await opened?.close()
  }

  #call(name: string | symbol, args: unknown[]): Promise<unknown> {
    const alone = this.#underway === 0
    if (this.#setup.weather !== 'reopened') return this.#settle(ask(this.#now(), name, args))
    if (alone) this.#ready = this.reopen()
    return this.#settle(this.#ready.then(() => ask(this.#now(), name, args)))
  }

  async #settle(answer: Promise<unknown>): Promise<unknown> {
    this.#underway++
    try {
      return await answer
    } finally {
      this.#underway--
      if (this.#setup.weather === 'rewritten' && this.#underway === 0) await this.#setup.rewrite(this.#now())
    }
  }

  #now(): T {
    assert(this.#opened, 'there is no open instance')
    return this.#opened.subject
  }
}

/** Makes the call, and asserts that every failure is a rejected promise. */
function ask(subject: object, name: string | symbol, args: unknown[]): Promise<unknown> {
  const method = (subject as Record<string | symbol, unknown>)[name]
  assert(typeof method === 'function', `there is no method ${String(name)}`)
  let answer: unknown
  try {
    answer = Reflect.apply(method, subject, args)
  } catch (error) {
    assert.fail(`${String(name)} threw at once and did not reject: ${error}`)
  }
  assert(answer instanceof Promise, `${String(name)} must return a promise`)
  return answer
}
