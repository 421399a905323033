/** Sample files of other tools: what is read from each is what an independent script counted. */
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { BRANCH_AGENT, type Draft } from '../../src/formats/shared/draft.js'
import { unansweredIn } from '../../src/formats/shared/tally.js'
import { convert } from './convert.js'

/** Sample data of third parties lies beside the repository, not in it. */
const DATA = fileURLToPath(new URL('../../../shared/data/formats', import.meta.url))
const FILE = path.join(DATA, 'expected.json')
const isThere = fs.existsSync(FILE)

interface ExpectedSession {
  key: string
  messages: number
  roles: Record<string, number>
  toolCalls: number
  unanswered: number
  usage?: Record<string, number>
  usageCarried?: boolean
  compactions?: number
  name?: string
}

interface Expected {
  format: string
  onlyTheseCount?: boolean
  sessions?: ExpectedSession[]
  sessionCount?: number
  messages?: number
  roles?: Record<string, number>
  toolCalls?: number
  first?: ExpectedSession
  last?: ExpectedSession
  lines?: number
  blank?: number
  records?: number
  badLines?: number[]
  tornLine?: number
  offPathLines?: number
  offPathNodes?: number
  offPathUsage?: Record<string, number>
  usageOfFile?: Record<string, number>
  replaced?: number
  sameIdOtherContent?: number
}

const { _, ...entries }: Record<string, Expected> = isThere ? JSON.parse(fs.readFileSync(FILE, 'utf8')) : {}

/** Formats that only the folder tells apart. */
const BASES: Record<string, string> = { openclaw: 'pi', zeroclaw: 'role-lines', 'roo-code': 'cline' }
const NO_USAGE = {
  promptTokens: 0,
  completionTokens: 0,
  cacheReadTokens: 0,
  cacheCreationTokens: 0,
  thinkingTokens: 0,
  apiCalls: 0,
}

function told(draft: Draft): Omit<ExpectedSession, 'usageCarried'> & { usage: Record<string, number> } {
  const { tally, labels } = draft
  return {
    key: draft.key,
    messages: tally.messages,
    roles: tally.roles,
    toolCalls: tally.toolCalls,
    unanswered: unansweredIn(tally),
    usage: { ...tally.usage },
    compactions: tally.compactions,
    ...(labels.name === undefined ? {} : { name: labels.name }),
  }
}

function matches(given: ReturnType<typeof told>, expected: ExpectedSession): void {
  const { key, usageCarried: _, ...counts } = expected
  const name = counts.name === undefined ? {} : { name: counts.name }
  expect(given.key === key || given.key.endsWith(`/${key}`)).toBe(true)
  expect({ ...given, key }).toEqual({
    key,
    ...counts,
    usage: { ...NO_USAGE, ...counts.usage },
    compactions: counts.compactions ?? 0,
    ...(counts.name === undefined && given.name !== undefined ? { name: given.name } : name),
  })
}

describe('sample files of other tools', () => {
  test.skipIf(isThere)('skipped: there is no ../shared/data/formats beside the repository', () => {})

  for (const [name, expected] of Object.entries(entries)) {
    test(name, () => {
      const { format, counts, bad, torn, drafts } = convert(path.join(DATA, name))
      expect([expected.format, BASES[expected.format]]).toContain(format)
      expect(counts.blank + bad.length + torn + counts.used + counts.duplicates + counts.offPath + counts.records).toBe(
        counts.lines,
      )
      if (expected.lines !== undefined) expect(counts.lines).toBe(expected.lines)
      if (expected.records !== undefined) expect(counts.records).toBe(expected.records)
      if (expected.lines !== undefined) {
        expect(bad).toEqual(expected.badLines ?? [])
        expect(torn).toBe(expected.tornLine === undefined ? 0 : 1)
        expect(counts.blank).toBe(expected.blank ?? 0)
      }
      if (expected.offPathLines !== undefined || expected.offPathNodes !== undefined) {
        expect(counts.offPath).toBe(expected.offPathLines ?? expected.offPathNodes)
      }
      if (expected.replaced !== undefined) expect(counts.duplicates).toBe(expected.replaced)
      if (expected.offPathUsage !== undefined)
        expect(drafts[0]?.carried.get(BRANCH_AGENT)).toEqual(expected.offPathUsage)
      if (expected.usageOfFile !== undefined) {
        const sum: Record<string, number> = { ...NO_USAGE }
        for (const { tally, carried } of drafts)
          for (const usage of [tally.usage, carried.get(BRANCH_AGENT) ?? NO_USAGE])
            for (const [counter, count] of Object.entries(usage)) sum[counter] = (sum[counter] ?? 0) + count
        expect(sum).toEqual({ ...NO_USAGE, ...expected.usageOfFile })
      }
      if (expected.sessions !== undefined) {
        expect(drafts.length).toBe(expected.sessions.length)
        for (const [index, session] of expected.sessions.entries()) matches(told(drafts[index] as Draft), session)
      }
      if (expected.sessionCount !== undefined) {
        expect(drafts.length).toBe(expected.sessionCount)
        expect(drafts.reduce((sum, { tally }) => sum + tally.messages, 0)).toBe(expected.messages)
        matches(told(drafts[0] as Draft), expected.first as ExpectedSession)
        matches(told(drafts.at(-1) as Draft), expected.last as ExpectedSession)
      }
    })
  }
})
