import { basename } from 'node:path'
import type { SessionStore } from '../../index.js'

/** What was done for one sender. */
export interface SenderStats {
  turns: number
  failed: number
}

/** Counts what the bot does; holds two numbers per sender, nothing else of the input. */
export class Stats {
  readonly senders = new Map<string, SenderStats>()
  turns = 0
  failed = 0
  badLines = 0
  /** Lines that were read but not served, because the bot was stopped. */
  unserved = 0

  turn(sender: string, ok: boolean): void {
    const stats = this.senders.get(sender) ?? { turns: 0, failed: 0 }
    stats.turns++
    this.turns++
    if (!ok) {
      stats.failed++
      this.failed++
    }
    this.senders.set(sender, stats)
  }
}

/** The statistics of a sender beside the state of the session in the store afterwards. */
export interface SenderSummary extends SenderStats {
  key: string
  messages: number
  file: string
  state: string
}

export interface Summary {
  root: string
  input: string
  turns: number
  failed: number
  badLines: number
  unserved: number
  sessions: number
  messages: number
  leftRunning: number
  seconds: number
  /** The signal that ended it early. */
  stoppedBy: string | null
  senders: SenderSummary[]
}

const AT_ONCE = 32

/** Reads every session that was served, so that the summary shows what is on disk. */
export async function summarise(
  store: SessionStore,
  stats: Stats,
  rest: Pick<Summary, 'input' | 'seconds' | 'stoppedBy'>,
): Promise<Summary> {
  const senders: SenderSummary[] = []
  const entries = [...stats.senders]
  for (let i = 0; i < entries.length; i += AT_ONCE) {
    senders.push(...(await Promise.all(entries.slice(i, i + AT_ONCE).map((entry) => summariseSender(store, entry)))))
  }
  const running = await store.running()
  // A session is missing when its first turn failed before it began, or when it was deleted meanwhile.
  const sessions = senders.filter(({ file }) => file !== '')
  return {
    root: store.dir,
    input: rest.input,
    turns: stats.turns,
    failed: stats.failed,
    badLines: stats.badLines,
    unserved: stats.unserved,
    sessions: sessions.length,
    messages: sessions.reduce((sum, { messages }) => sum + messages, 0),
    leftRunning: running.filter((one) => one.owner.pid === process.pid && stats.senders.has(one.key)).length,
    seconds: rest.seconds,
    stoppedBy: rest.stoppedBy,
    senders,
  }
}

async function summariseSender(store: SessionStore, [key, stats]: [string, SenderStats]): Promise<SenderSummary> {
  const none = { key, ...stats, messages: 0, file: '', state: 'idle' }
  const session = store.session(key)
  const info = await session.info()
  return info ? { ...none, messages: info.messages, file: basename(session.path), state: info.state } : none
}
