/** The sample files of other tools through the built command: its report matches the counts of an independent script. */
import path from 'node:path'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import type { ImportReport, SessionReport } from '../../src/formats/index.js'
import { folder, run } from '../cli/run.js'
import { BASES, DATA, entries, isThere, matches } from './expected.js'

// other processes take their time on a busy machine
vi.setConfig({ testTimeout: 60_000 })

let root = ''
const sound: Array<[source: string, sessions: number]> = []

async function importOf(file: string): Promise<{ code: number | null; report: ImportReport; err: string }> {
  const { code, out, err } = await run(['import', file, '--final', '--root', root, '--json'])
  return { code, report: JSON.parse(out), err }
}

function told({ name, action: _, added: __, ...session }: SessionReport) {
  return { ...session, usage: { ...session.usage }, ...(name === null ? {} : { name }) }
}

describe.skipIf(!isThere)('the sample files through the command', () => {
  beforeAll(async () => {
    root = path.join(await folder(), 'sessions')
  })

  for (const [name, expected] of Object.entries(entries)) {
    test(name, async () => {
      const source = path.join(DATA, name)
      const { code, report, err } = await importOf(source)
      expect(code).toBe(expected.badLines === undefined || expected.badLines.length === 0 ? 0 : 1)
      const { files, sessions } = report
      expect(files.length).toBe(1)
      const file = files[0]!
      expect([expected.format, BASES[expected.format]]).toContain(file.format)
      const { lines, blank, used, records, duplicates, offPath, bad, torn } = file
      expect(blank + bad.length + torn + used + duplicates + offPath + records).toBe(lines)
      if (expected.lines !== undefined) {
        expect(lines).toBe(expected.lines)
        expect(bad.map(({ line }) => line)).toEqual(expected.badLines ?? [])
        for (const { line } of bad) expect(err).toContain(`${source}:${line}: `)
      }
      if (expected.records !== undefined) expect(records).toBe(expected.records)
      expected.sessions?.forEach((session, index) => {
        matches(told(sessions[index]!), session)
      })
      if (expected.sessionCount !== undefined) {
        expect(sessions.length).toBe(expected.sessionCount)
        matches(told(sessions[0]!), expected.first!)
        matches(told(sessions.at(-1)!), expected.last!)
      }
      expect(sessions.every(({ action }) => action === 'created')).toBe(true)
      sound.push([source, sessions.length])
    })
  }

  test('a second import of all of them finds nothing new', async () => {
    const { out } = await run(['import', ...sound.map(([source]) => source), '--final', '--root', root, '--json'])
    const { sessions }: ImportReport = JSON.parse(out)
    expect(sessions.length).toBe(sound.reduce((sum, [, count]) => sum + count, 0))
    expect(sessions.filter(({ action, added }) => action !== 'unchanged' || added > 0)).toEqual([])
  })

  test('the sessions are sound', async () => {
    const { code, out } = await run(['check', '--root', root])
    expect(out).toContain('no damage')
    expect(code).toBe(0)
  })
})
