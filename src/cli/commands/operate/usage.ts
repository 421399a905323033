import { resolve } from 'node:path'
import { JsonlPersistence } from '../../../contracts/persistence/index.js'
import type { SessionStore } from '../../../index.js'
import { findKey } from '../../find-key.js'
import { escapeLine, jsonLine } from '../../terminal/escape.js'
import { complain, describe, note, print } from '../../terminal/output.js'
import { showingProgress } from '../../terminal/progress.js'
import { LogSums, REWRITTEN } from '../../usage/log-sums.js'
import { add, byTokens, type Counters, type UsageRow } from '../../usage/rows.js'
import { type UsageNoun, usageTable } from '../../usage/table.js'
import { type GlobalOptions, readExistingStore, readStore, storeIsThere } from '../../with-store.js'

export interface UsageOptions extends GlobalOptions {
  json?: boolean
  by?: UsageNoun
  /** ms since 1970. */
  since?: number
}

export async function usage(given: string | undefined, options: UsageOptions): Promise<number> {
  if (given !== undefined) {
    return readExistingStore(options.root, async (store) => {
      const key = await findKey(store, given)
      return report(await readUsage(store, [key], options, false), options, key)
    })
  }
  const isThere = await storeIsThere(options.root)
  const read = isThere
    ? await readStore(options.root, async (store) => readUsage(store, await keysOf(store, options), options, true))
    : { sums: new Map(), sessions: 0, failed: 0 }
  if (isThere && read.sessions === 0 && read.failed === 0 && !options.json)
    note(options.since === undefined ? 'no sessions' : 'no sessions since then')
  return report(read, options)
}

/** A session whose last activity is older has no newer line. */
async function keysOf(store: SessionStore, { since }: UsageOptions): Promise<string[]> {
  return since === undefined ? store.keys() : (await store.list({ since })).map(({ key }) => key)
}

interface Read {
  sums: Map<string, Counters>
  sessions: number
  /** Sessions that could not be read. */
  failed: number
}

async function readUsage(
  store: SessionStore,
  keys: readonly string[],
  { by, since }: UsageOptions,
  isOfStore: boolean,
): Promise<Read> {
  const persistence = new JsonlPersistence(store)
  const lines = new LogSums({ since, isOfStore })
  const noun = by ?? 'session'
  const read: Read = { sums: lines.usage[noun], sessions: keys.length, failed: 0 }
  for await (const key of showingProgress(keys, 'sessions')) {
    try {
      if (noun === 'day' || noun === 'model' || since !== undefined) {
        await lines.add(store, key)
        continue
      }
      // what the store knows of a log is enough
      const rows = isOfStore ? [...(await store.session(key).ownUsage())] : await persistence.sessionUsageByAgent(key)
      if (noun === 'agent') for (const [agent, usage] of rows) add(read.sums, agent, [usage])
      else
        add(
          read.sums,
          key,
          rows.map(([, usage]) => usage),
        )
    } catch (error) {
      read.failed++
      complain(`${escapeLine(key)}: ${describe(error)}`)
    }
  }
  return read
}

async function report({ sums, failed }: Read, { root, json, by, since }: UsageOptions, key?: string): Promise<number> {
  const total = add(new Map(), '', sums.values())
  const noun = by ?? 'session'
  const rows = noun === 'day' ? byDay(sums) : byTokens(sums)
  if (json) {
    const named = rows.map(([name, usage]) => ({ [by ?? 'key']: name, ...usage }))
    // Of one session the rows say more than the total only by something else.
    const list = key !== undefined && by === undefined ? {} : { [`${noun}s`]: named }
    const from = since === undefined ? {} : { since: new Date(since).toISOString() }
    await print(jsonLine({ root: resolve(root), ...from, ...(key !== undefined && { key }), total, ...list }))
  } else if (rows.length > 0) {
    await print(await usageTable(rows, key !== undefined && by === undefined ? { noun } : { noun, total }))
    if (sums.has(REWRITTEN)) note(`${REWRITTEN}: messages that a rewrite took out; their ${noun} is not known any more`)
  } else if (key !== undefined || by !== undefined) note('no token counts')
  return failed > 0 ? 1 : 0
}

/** Earliest first; what has no day comes before. */
function byDay(sums: ReadonlyMap<string, Counters>): UsageRow[] {
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1))
}
