/** The examples of every document, run, and what the documents must name. */
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parseLines } from '../src/log/parse.js'
import { blocksOf, typeErrorsIn } from './helpers/compile.js'
import { examplesOf, runExample } from './helpers/example.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (file: string) => fs.readFileSync(path.join(root, file), 'utf8')
/** The programs of adapters have a test of their own. */
const OWN = 'src/adapters/README.md'
const documents = ['README.md', ...documentsIn('src'), ...documentsIn('test')]

function documentsIn(folder: string): string[] {
  const files = fs.readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
  return files
    .filter((file) => file.endsWith('.md') && !file.includes('node_modules'))
    .map((file) => path.join(folder, file))
    .sort()
}

describe.each(documents.filter((file) => file !== OWN && examplesOf(file).length > 0))('%s', (file) => {
  test.each(examplesOf(file))('example $# prints what it says', ({ code, output }) => {
    expect(runExample(code)).toBe(output)
  })
})

/** What the examples of the reference are given; see api.test.ts. */
const GIVEN = `import * as api from 'jsonl-sessions'
const { checkDrive, mergeLogs, openStore, parseLog, searchWords } = api
declare const dir: string, id: string, store: api.SessionStore, session: api.Session
declare const model: (messages: unknown) => Promise<string>
`

test('the programs of the documents compile under strict, and so do the examples of the reference', () => {
  const texts = new Map([
    [
      'my-store.ts',
      "export declare const openMine: (dir: string, now: () => number) => import('jsonl-sessions/session-backend').SessionBackend\n",
    ],
  ])
  // the types of other frameworks are those of test/adapters/by-hand.test.ts
  for (const file of documents.filter((one) => !one.startsWith('src/adapters/') && !/(api|conformance)\.md$/.test(one)))
    for (const [i, code] of ['js', 'ts'].flatMap((language) => blocksOf(file, language)).entries())
      texts.set(`${file.replace(/\W/g, '-')}-${i}.ts`, code)
  const reference = blocksOf('src/api.md', 'ts')
  for (const [i, code] of reference.entries()) texts.set(`reference-${i}.ts`, `${GIVEN}{\n${code}\n}\n`)
  expect(reference.length).toBeGreaterThan(60)
  expect(texts.size - reference.length).toBeGreaterThan(10)
  expect(typeErrorsIn(texts)).toEqual([])
}, 300_000)

test('the README begins with a program, and shows a log that parses', () => {
  expect(examplesOf('README.md').length).toBeGreaterThan(1)
  const [, log] = /```jsonl\n(.*?)```/s.exec(read('README.md')) ?? []
  const kinds = parseLines(Buffer.from(log ?? '')).map(({ kind }) => kind)
  expect(kinds).toEqual(['session', 'message', 'message', 'meta'])
})

test('every error code is explained', () => {
  const codes = [...read('src/base/errors.ts').matchAll(/^ {2}(ERR_\w+):/gm)].map(([, code]) => code)
  expect(codes.length).toBeGreaterThan(20)
  for (const code of codes) expect(read('src/base/README.md')).toContain(`\`${code}\``)
})

test('links between documents lead to files', () => {
  const broken = documents.flatMap((file) =>
    [...read(file).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
      .filter(([, target]) => !fs.existsSync(path.join(root, path.dirname(file), target as string)))
      .map(([, target]) => `${file}: ${target}`),
  )
  expect(broken).toEqual([])
})
