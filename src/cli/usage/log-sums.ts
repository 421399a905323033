/** Messages and tokens of several sessions, by session, agent, day, model and role. */
import type { SessionStore } from '../../index.js'
import { add, type Counters } from './rows.js'

export type Group = 'session' | 'agent' | 'day' | 'model' | 'role'

/** What stands for the day and the model of messages that a rewrite took out: their tokens stay counted. */
export const REWRITTEN = '(rewritten)'
export const UNKNOWN = '(unknown)'

export class LogSums {
  readonly usage = sumsOf<Counters>()
  /** Messages that are there, archived ones included. */
  readonly messages = sumsOf<number>()
  readonly #options: { since?: number; own: boolean }

  /**
   * Lines before `since`, ms since 1970, are left out; in sums over sessions also the usage that a fork has of its
   * source.
   */
  constructor({ since, isOfStore }: { since?: number | undefined; isOfStore: boolean }) {
    this.#options = { own: isOfStore, ...(since !== undefined && { since }) }
  }

  /** Rejects as any reading of the session does. */
  async add(store: SessionStore, key: string): Promise<void> {
    const stats = await store.session(key).stats(this.#options)
    if (stats === null) return
    const { messages, usage } = stats
    for (const group of ['agent', 'day', 'model'] as const)
      for (const [name, one] of usage[group]) add(this.usage[group], name, [one])
    for (const one of usage.agent.values()) add(this.usage.session, key, [one])
    for (const group of ['agent', 'day', 'model', 'role'] as const)
      for (const [name, number] of messages[group]) this.#count(group, name, number)
    for (const number of messages.role.values()) this.#count('session', key, number)
  }

  #count(group: Group, name: string, number: number): void {
    this.messages[group].set(name, (this.messages[group].get(name) ?? 0) + number)
  }
}

function sumsOf<T>(): Record<Group, Map<string, T>> {
  return { session: new Map(), agent: new Map(), day: new Map(), model: new Map(), role: new Map() }
}
