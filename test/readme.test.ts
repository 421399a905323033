import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { examplesOf, runExample } from './helpers/example.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const readme = fs.readFileSync(path.join(root, 'README.md'), 'utf8')

const examples = examplesOf('README.md')

describe('README', () => {
  test('has examples', () => {
    expect(examples.length).toBeGreaterThan(3)
  })

  test.each(examples)('example $# prints what it says', ({ code, output }) => {
    expect(runExample(code)).toBe(output)
  })

  test('shows a log that parses', async () => {
    const { parseLines } = await import('../src/log/parse.js')
    const [, log] = /```jsonl\n(.*?)```/s.exec(readme) ?? []
    const kinds = parseLines(Buffer.from(log ?? '')).map(({ kind }) => kind)
    expect(kinds).toEqual(['session', 'message', 'message', 'meta'])
  })

  test('names every error code', async () => {
    const errors = fs.readFileSync(path.join(root, 'src/base/errors.ts'), 'utf8')
    const codes = [...errors.matchAll(/'(ERR_\w+)'/g)].map(([, code]) => code)
    for (const code of codes) expect(readme).toContain(`\`${code}\``)
  })
})
