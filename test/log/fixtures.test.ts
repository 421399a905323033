import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { foldAll, timesOf } from '../../src/log/fold.js'
import type { Damage, Torn } from '../../src/log/line.js'
import { totalUsage } from '../../src/log/usage.js'
import { messagesOf } from '../../src/log/views.js'
import { knownId } from '../../src/log/visibility.js'
import { archiveOf } from './archive.js'
import { namedIn, read, readingOf, removedIds } from './reading.js'
import { rewrite } from './rewriting.js'

/** The content of an `expected.json`, about the logs beside it. */
interface Expected {
  fileTime: string
  logs: Record<string, Record<string, unknown>>
}

/** By folder: as the first writers of version 1 left them, in the order of fields that is written now, with named values. */
const FOLDERS = ['v1', 'v1-people-first', 'v1-values']

function fixtureOf(folder: string) {
  const url = new URL(`../../fixtures/${folder}/`, import.meta.url)
  const expected: Expected = JSON.parse(fs.readFileSync(new URL('expected.json', url), 'utf8'))
  const files = fs.readdirSync(new URL('store/', url)).sort()
  return { expected, files, bytesOf: (file: string) => fs.readFileSync(new URL(`store/${file}`, url)) }
}

/** What is known of a log, as plain JSON. */
function accountOf(bytes: Buffer, fileTime: string) {
  const { pieces, lines, visibility } = read(bytes)
  const summary = foldAll(pieces, visibility)
  const { summary: text, archived } = archiveOf(pieces, visibility, fileTime)
  const torn = pieces.find((piece): piece is Torn => piece.kind === 'torn')
  const copies = (kind: string) => lines.filter(({ offset }) => visibility.copies.get(offset) === kind)
  const account = {
    sha256: createHash('sha256').update(bytes).digest('hex'),
    header: summary.header,
    version: summary.version,
    lines: pieces.map(({ kind }) => kind),
    messages: messagesOf(pieces, visibility, fileTime),
    damage: pieces.flatMap((piece, n) => (piece.kind === 'damage' ? [damageAt(piece, n)] : [])),
    torn: torn ? { offset: torn.offset, length: torn.end - torn.offset } : null,
    duplicates: copies('duplicate').map(({ offset }) => offset),
    contradictions: copies('contradiction').map((line) => ({ id: line.id, knownAs: knownId(line, visibility) })),
    removed: [...removedIds(lines)],
    archive: { summary: text, archived: [...archived] },
    labels: summary.labels,
    ...(summary.valueLines > 0 && { named: namedIn(lines, visibility) }),
    usage: Object.fromEntries(totalUsage(summary)),
    times: timesOf(summary, fileTime),
  }
  expect(summary.messages).toBe(account.messages.length)
  expect(summary.damaged).toBe(account.damage.length)
  return JSON.parse(JSON.stringify(account))
}

function damageAt({ offset, end, reason }: Damage, place: number) {
  return { line: place + 1, offset, length: end - offset, reason }
}

describe.each(FOLDERS)('logs of format version 1, frozen: %s', (folder) => {
  const { expected, files, bytesOf } = fixtureOf(folder)

  test('are all there', () => {
    expect(files).toEqual(Object.keys(expected.logs).sort())
  })

  test.each(files)('%s', (file) => {
    expect(accountOf(bytesOf(file), expected.fileTime)).toEqual(expected.logs[file])
  })

  test.each(files)('%s reads the same when it is rewritten', (file) => {
    const log = bytesOf(file)
    const after = rewrite(log, expected.fileTime, () => 'ffffffff-ffff-7fff-bfff-ffffffffffff')
    if (after !== null) expect(readingOf(after, '2027-01-01T00:00:00.000Z')).toEqual(readingOf(log, expected.fileTime))
  })

  test.each(files.filter((file) => file.includes('~')))('%s is the name of its key', (file) => {
    const { key } = read(bytesOf(file)).lines[0]?.value ?? {}
    const hash = createHash('sha256')
      .update(key as string)
      .digest('hex')
    expect(file.split('~')[1]).toBe(`${hash.slice(0, 32)}.jsonl`)
  })
})

test('the order of the fields changes nothing', () => {
  const [former, now] = FOLDERS.map((folder) => fixtureOf(folder).expected)
  const both = Object.keys(now?.logs ?? {}).filter((file) => former?.logs[file] && !/^(torn|open)/.test(file))
  expect(both).toHaveLength(13)
  for (const file of both) expect({ ...now?.logs[file], sha256: '' }).toEqual({ ...former?.logs[file], sha256: '' })
})
