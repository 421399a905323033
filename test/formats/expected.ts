/** What an independent script counted in the sample files of other tools. */
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'

/** Sample data of third parties is beside the repository, not in it. */
export const DATA = fileURLToPath(new URL('../../../shared/data/formats', import.meta.url))
const FILE = path.join(DATA, 'expected.json')
export const isThere = fs.existsSync(FILE)

export interface ExpectedSession {
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

export interface Expected {
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

const { _, ...found }: Record<string, Expected> = isThere ? JSON.parse(fs.readFileSync(FILE, 'utf8')) : {}

export const entries = found

/** Formats that differ only in the folder layout. */
export const BASES: Record<string, string> = { openclaw: 'pi', zeroclaw: 'role-lines', 'roo-code': 'cline' }
export const NO_USAGE = {
  promptTokens: 0,
  completionTokens: 0,
  cacheReadTokens: 0,
  cacheCreationTokens: 0,
  thinkingTokens: 0,
  apiCalls: 0,
}

/** What an import reports of a session, in the words of the counts. */
export interface Told {
  key: string
  messages: number
  roles: Record<string, number>
  toolCalls: number
  unanswered: number
  usage: Record<string, number>
  compactions: number
  name?: string
}

export function matches(given: Told, expected: ExpectedSession): void {
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
