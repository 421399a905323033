/** Sample files of other tools: what is read from each is what an independent script counted. */
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { BRANCH_AGENT, type Draft } from '../../src/formats/shared/draft/draft.js'
import { unansweredIn } from '../../src/formats/shared/draft/totals.js'
import { convert } from './convert.js'
import { BASES, DATA, type ExpectedSession, entries, isThere, matches, NO_USAGE, type Told } from './expected.js'

function told(draft: Draft): Told {
  const { totals, labels } = draft
  return {
    key: draft.key,
    messages: totals.messages,
    roles: totals.roles,
    toolCalls: totals.toolCalls,
    unanswered: unansweredIn(totals),
    usage: { ...totals.usage },
    compactions: totals.compactions,
    ...(labels.name === undefined ? {} : { name: labels.name }),
  }
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
        for (const { totals, carried } of drafts)
          for (const usage of [totals.usage, carried.get(BRANCH_AGENT) ?? NO_USAGE])
            for (const [counter, count] of Object.entries(usage)) sum[counter] = (sum[counter] ?? 0) + count
        expect(sum).toEqual({ ...NO_USAGE, ...expected.usageOfFile })
      }
      if (expected.sessions !== undefined) {
        expect(drafts.length).toBe(expected.sessions.length)
        for (const [index, session] of expected.sessions.entries()) matches(told(drafts[index] as Draft), session)
      }
      if (expected.sessionCount !== undefined) {
        expect(drafts.length).toBe(expected.sessionCount)
        expect(drafts.reduce((sum, { totals }) => sum + totals.messages, 0)).toBe(expected.messages)
        matches(told(drafts[0] as Draft), expected.first as ExpectedSession)
        matches(told(drafts.at(-1) as Draft), expected.last as ExpectedSession)
      }
    })
  }
})
