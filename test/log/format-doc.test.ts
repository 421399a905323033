import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/base/json.js'
import { foldAll, timesOf } from '../../src/log/fold.js'
import { GraphCollector } from '../../src/log/graph/graph.js'
import { liveNodes } from '../../src/log/graph/views.js'
import { isLine, type LineKind } from '../../src/log/line.js'
import { parseLines, standInId } from '../../src/log/parse.js'
import { totalUsage } from '../../src/log/usage.js'
import { asGiven, messagesOf } from '../../src/log/views.js'
import { archiveOf } from './archive.js'
import { read } from './reading.js'
import { rewrite } from './rewriting.js'

const doc = fs.readFileSync(new URL('../../src/log/FORMAT.md', import.meta.url), 'utf8')
const FILE_TIME = '2026-11-24T12:00:00.000Z'

/** The blocks of one language, with the heading above each. */
function blocksOf(language: string): Array<{ heading: string; text: string }> {
  return [...doc.matchAll(/^```(\S+)([^\n]*)\n([^`]*)^```$/gm)]
    .filter(([, name, info]) => `${name}${info}` === language)
    .map((match) => ({
      heading:
        doc
          .slice(0, match.index)
          .match(/^#+ .*$/gm)
          ?.at(-1) ?? '',
      text: match[3] as string,
    }))
}

/** The kinds that the lines below a heading are of. */
function kindsOf(heading: string): LineKind[] {
  if (heading.includes('Messages')) return ['message']
  if (heading.includes('waits')) return ['message', 'answered']
  if (heading.includes('Everything else')) return ['unknown']
  return [...heading.matchAll(/`(\w+)`/g)].map(([, kind]) => kind as LineKind)
}

const examples = blocksOf('jsonl').flatMap(({ heading, text }) =>
  parseLines(Buffer.from(text)).map((piece) => ({ heading, piece, text: text.slice(piece.offset, piece.end) })),
)

describe('the specification', () => {
  test.each(examples)('example below "$heading": $text', ({ heading, piece }) => {
    expect(kindsOf(heading)).toContain(piece.kind)
    expect(piece).toMatchObject({ open: false })
  })

  test('shows every kind of line', () => {
    const kinds = new Set<string>(examples.map(({ piece }) => piece.kind))
    expect([...kinds].sort()).toEqual(
      [
        'answered',
        'commit',
        'compaction',
        'message',
        'meta',
        'remove',
        'session',
        'tombstone',
        'unknown',
        'value',
      ].sort(),
    )
  })

  test('shows a graph that reads as described', () => {
    const collector = new GraphCollector()
    for (const { heading, piece } of examples) if (heading.includes('`commit`')) collector.add(piece)
    const graph = collector.graph()
    expect(graph.damage).toBe(null)
    expect(liveNodes(graph)).toEqual(['q', 'no'])
    const tokens = [...graph.ledger.values()].map(({ usage }) => usage.inputTokens)
    const { leaf, revision } = graph.head ?? {}
    expect(doc).toContain(
      `nodes \`${liveNodes(graph).join('` and `')}\`, the leaf \`${leaf}\`, the revision ${revision} and ${tokens} input`,
    )
  })

  test('describes correctly how a message with fields of its own is read, and the id of a line without one', () => {
    const own = examples.flatMap(({ piece }) => (isLine(piece) && 'own' in piece.value ? [piece] : []))
    expect(doc).toContain(
      `read as \`${JSON.stringify({ ...(own[0]?.value.own as JsonObject), ...asGiven(own[0]!) })}\``,
    )
    const bare = '{"role":"user","content":"hi"}'
    expect(doc).toContain(`The line \`${bare}\` at the start of a file is \`${standInId(0, bare)}\``)
  })

  test('gives the file name that the code gives', () => {
    const [, key, slug, hash] = /`([^`]+)` is `([a-z-]+)~([0-9a-f]{32})`/.exec(doc) as string[]
    expect(hash).toBe(
      createHash('sha256')
        .update(key as string)
        .digest('hex')
        .slice(0, 32),
    )
    expect(slug).toBe('telegram-ann')
  })

  test('reads its worked example as described', () => {
    const log = Buffer.from(blocksOf('jsonl worked')[0]?.text ?? '')
    const { pieces, visibility } = read(log)
    const summary = foldAll(pieces, visibility)
    const messages = messagesOf(pieces, visibility, FILE_TIME)
    const archive = archiveOf(pieces, visibility, FILE_TIME)
    expect(JSON.parse(blocksOf('json worked')[0]?.text ?? '')).toEqual({
      key: summary.header?.key,
      messages: messages.map(({ content }) => content),
      archived: messages.filter(({ id }) => archive.archived.has(id as string)).map(({ content }) => content),
      summary: archive.summary?.text,
      labels: summary.labels,
      usage: Object.fromEntries(totalUsage(summary)),
      times: timesOf(summary, FILE_TIME),
    })
    const lines = log.toString().split('\n')
    const after = rewrite(log, FILE_TIME, () => 'new')
      ?.toString()
      .split('\n') as string[]
    expect(after.slice(0, 6)).toEqual([...lines.slice(0, 3), ...lines.slice(5, 8)])
    expect(after[6]).toMatch(
      /^\{"role":"user","content":"thanks!","at":"2026-11-21T07:10:00Z","id":"#\d+-[0-9a-f]{8}"\}$/,
    )
    expect(after.slice(7)).toEqual([''])
  })

  test('distinguishes torn from damaged lines as the reader does', () => {
    const row = /^\| ([^|]+?) *\| `([^`]+)`[^|]*\| (\*\*torn\*\*|\*\*damage\*\*|a line) *\|/gm
    const rows = [...doc.matchAll(row)]
    expect(rows.length).toBeGreaterThan(5)
    for (const [, what, example, is] of rows) {
      const text = (example as string).replaceAll('^@', '\u0000').replaceAll('\\xff', '\xff')
      const feed = is === '**damage**' ? '\n' : ''
      const [piece] = parseLines(Buffer.from(text + feed, text.includes('\xff') ? 'latin1' : 'utf8'))
      expect(piece?.kind, what).toBe(is === 'a line' ? 'message' : is?.replaceAll('*', ''))
    }
  })
})
