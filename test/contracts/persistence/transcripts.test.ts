/** Real sessions of other coding agents, put in and read back. */
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { JsonlPersistence, type NewAgentMessage, type SessionUsage } from '../../../src/contracts/persistence/index.js'
import { openStore } from '../../../src/index.js'
import { NO_USAGE, row } from '../../conformance/persistence/scene.js'
import { tempFolder } from '../../helpers/store.js'
import { hasPending, shownOf } from './model.js'
import { readClaudeCode, readPi } from './transcripts.js'

/** Sample data of third parties is beside the repository, not in it. */
const DATA = fileURLToPath(new URL('../../../../shared/data', import.meta.url))

const TRANSCRIPTS: ReadonlyArray<[file: string, read: (file: string) => NewAgentMessage[], atLeast: number]> = [
  ['pi-session.jsonl', readPi, 900],
  ['claude-code-edge_cases.jsonl', readClaudeCode, 10],
  ['claude-code-representative_messages.jsonl', readClaudeCode, 8],
  ['claude-code-session_b.jsonl', readClaudeCode, 3],
  ['claude-code-todowrite_examples.jsonl', readClaudeCode, 8],
]

function totalOf(given: readonly NewAgentMessage[]): SessionUsage {
  const total = { ...NO_USAGE }
  for (const { usage } of given) {
    if (!usage) continue
    total.apiCalls++
    total.promptTokens += usage.promptTokens
    total.completionTokens += usage.completionTokens
    total.cacheReadTokens += usage.cacheReadTokens
    total.cacheCreationTokens += usage.cacheCreationTokens
  }
  return total
}

function expectedRow({ usage, ...fields }: NewAgentMessage, id: string, sessionId: string, at: string) {
  const { stopReason: _, ...counters } = usage ?? {}
  return row({ id, sessionId, at, ...fields, ...counters })
}

describe('transcripts of other agents', () => {
  for (const [name, read, atLeast] of TRANSCRIPTS) {
    const file = path.join(DATA, name)
    const isThere = fs.existsSync(file)
    test.skipIf(!isThere)(
      isThere ? name : `${name} (skipped: there is no ../shared/data beside the repository)`,
      async () => {
        const given = read(file)
        expect(given.length).toBeGreaterThanOrEqual(atLeast)
        const dir = tempFolder()
        const clock = { ms: Date.UTC(2026, 0, 1) }
        const options = { now: () => clock.ms }
        let store = await openStore(dir, options)
        let persistence = new JsonlPersistence(store)
        const id = await persistence.createSession('imported', '/p')
        const expected: ReturnType<typeof row>[] = []
        for (const message of given) {
          clock.ms += 1000
          const messageId = await persistence.insertMessageWithAgent(id, message)
          expected.push(expectedRow(message, messageId, id, new Date(clock.ms).toISOString()))
        }
        const check = async () => {
          const all = await persistence.loadAllMessages(id)
          expect(all.length).toBe(expected.length)
          for (const [i, message] of all.entries()) expect(message).toEqual(expected[i])
          expect(await persistence.loadContext(id)).toEqual(shownOf(expected))
          expect(await persistence.hasPendingToolCalls(id)).toBe(hasPending(expected))
          expect(await persistence.sessionTokenUsage(id)).toEqual(totalOf(given))
        }
        await check()
        await store.close()
        store = await openStore(dir, options)
        persistence = new JsonlPersistence(store)
        await check()
        await store.session(id).rewrite()
        await check()

        const shown = shownOf(expected)
        const archived = await persistence.compactSession(id, 'what happened so far', Math.floor(shown.length / 2))
        expect(archived).toBeGreaterThan(0)
        const [summary, ...kept] = await persistence.loadContext(id)
        expect(summary?.content).toBe('what happened so far')
        expect(kept).toEqual(shown.slice(-kept.length))
        expect(await persistence.purgeCompacted(0)).toBe(archived)
        expect(await persistence.loadAllMessages(id)).toEqual(expected.slice(archived))
        expect(await persistence.loadContext(id)).toEqual([summary, ...kept])
        expect(await persistence.sessionTokenUsage(id)).toEqual(totalOf(given))
        await store.close()
      },
    )
  }
})
