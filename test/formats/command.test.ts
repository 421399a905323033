/** The sample files of other tools through the built command: its report matches the counts of an independent script. */
import path from 'node:path'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import type { ImportReport, SessionReport } from '../../src/formats/index.js'
import { folder, run } from '../cli/run.js'
import { BASES, DATA, type Expected, entries, isThere, matches } from './expected.js'

// other processes take their time on a busy machine
vi.setConfig({ testTimeout: 60_000 })

let root = ''
const imported: Array<[source: string, sessions: number]> = []

const countOf = ({ sessions, sessionCount }: Expected) => sessions?.length ?? sessionCount
/** Files without damage whose sessions are counted: one command imports all of them. */
const SOUND = Object.entries(entries).filter(([, one]) => !one.badLines?.length && countOf(one) !== undefined)

interface Import {
  code: number | null
  report: ImportReport
  err: string
}

async function importOf(files: string[]): Promise<Import> {
  const { code, out, err } = await run(['import', ...files, '--final', '--root', root, '--json'])
  return { code, report: JSON.parse(out), err }
}

/** The part of a report that is about each file; the sessions stand there in the order of the files. */
function partsOf({ code, report, err }: Import): Map<string, Import> {
  let start = 0
  const parts = report.files.map((file, i): [string, Import] => {
    const count = countOf(SOUND[i]![1])!
    const sessions = report.sessions.slice(start, start + count)
    start += count
    return [SOUND[i]![0], { code, report: { ...report, files: [file], sessions }, err }]
  })
  expect([report.files.length, report.sessions.length]).toEqual([SOUND.length, start])
  return new Map(parts)
}

function told({ name, action: _, added: __, ...session }: SessionReport) {
  return { ...session, usage: { ...session.usage }, ...(name === null ? {} : { name }) }
}

describe.skipIf(!isThere)('the sample files through the command', () => {
  let together = new Map<string, Import>()

  beforeAll(async () => {
    root = path.join(await folder(), 'sessions')
    together = partsOf(await importOf(SOUND.map(([name]) => path.join(DATA, name))))
  })

  for (const [name, expected] of Object.entries(entries)) {
    test(name, async () => {
      const source = path.join(DATA, name)
      const { code, report, err } = together.get(name) ?? (await importOf([source]))
      expect(code).toBe(expected.badLines === undefined || expected.badLines.length === 0 ? 0 : 1)
      const { files, sessions } = report
      expect(files.map((one) => one.path)).toEqual([source])
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
      imported.push([source, sessions.length])
    })
  }

  test('a second import of all of them finds nothing new', async () => {
    const { out } = await run(['import', ...imported.map(([source]) => source), '--final', '--root', root, '--json'])
    const { sessions }: ImportReport = JSON.parse(out)
    expect(sessions.length).toBe(imported.reduce((sum, [, count]) => sum + count, 0))
    expect(sessions.filter(({ action, added }) => action !== 'unchanged' || added > 0)).toEqual([])
  })

  test('the sessions are sound', async () => {
    const { code, out } = await run(['check', '--root', root])
    expect(out).toContain('no damage')
    expect(code).toBe(0)
  })
})
