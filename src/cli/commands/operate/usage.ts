import { resolve } from 'node:path'
import { JsonlPersistence } from '../../../contracts/persistence/index.js'
import type { SessionStore } from '../../../index.js'
import { findKey } from '../../find-key.js'
import { escapeLine, jsonLine } from '../../terminal/escape.js'
import { complain, describe, note, print } from '../../terminal/output.js'
import { add, byTokens, type Counters } from '../../usage/rows.js'
import { usageTable } from '../../usage/table.js'
import { type GlobalOptions, readExistingStore, readStore, storeIsThere } from '../../with-store.js'

export interface UsageOptions extends GlobalOptions {
  json?: boolean
  by?: 'agent'
}

export async function usage(given: string | undefined, options: UsageOptions): Promise<number> {
  if (given !== undefined) {
    return readExistingStore(options.root, async (store) => {
      const key = await findKey(store, given)
      return report(await readUsage(store, [key]), options, key)
    })
  }
  const isThere = await storeIsThere(options.root)
  const read = isThere
    ? await readStore(options.root, async (store) => readUsage(store, await store.keys()))
    : { sessions: new Map(), agents: new Map(), failed: 0 }
  if (isThere && read.sessions.size === 0 && read.failed === 0 && !options.json) note('no sessions')
  return report(read, options)
}

interface Read {
  sessions: Map<string, Counters>
  agents: Map<string, Counters>
  /** Sessions that could not be read. */
  failed: number
}

async function readUsage(store: SessionStore, keys: readonly string[]): Promise<Read> {
  const persistence = new JsonlPersistence(store)
  const read: Read = { sessions: new Map(), agents: new Map(), failed: 0 }
  for (const key of keys) {
    try {
      const rows = await persistence.sessionUsageByAgent(key)
      const usages = rows.map(([, usage]) => usage)
      add(read.sessions, key, usages)
      for (const [agent, usage] of rows) add(read.agents, agent, [usage])
    } catch (error) {
      read.failed++
      complain(`${escapeLine(key)}: ${describe(error)}`)
    }
  }
  return read
}

async function report({ sessions, agents, failed }: Read, { root, json, by }: UsageOptions, key?: string) {
  const total = add(new Map(), '', sessions.values())
  const noun = by ?? 'session'
  const rows = byTokens(by === 'agent' ? agents : sessions)
  if (json) {
    const named = rows.map(([name, usage]) => ({ [by ?? 'key']: name, ...usage }))
    // Of one session the rows say more than the total only by agent.
    const list = key !== undefined && by === undefined ? {} : { [`${noun}s`]: named }
    await print(jsonLine({ root: resolve(root), ...(key !== undefined && { key }), total, ...list }))
  } else if (rows.length > 0) {
    await print(await usageTable(rows, key !== undefined && by === undefined ? { noun } : { noun, total }))
  } else if (key !== undefined) note('no token counts')
  return failed > 0 ? 1 : 0
}
