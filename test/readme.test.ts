import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const readme = fs.readFileSync(path.join(root, 'README.md'), 'utf8')

/** Each ```js block that is directly followed by a ```text block with what it prints. */
const examples = [...readme.matchAll(/```js\n(.*?)```\n\n```text\n(.*?)```/gs)].map(([, code, output]) => ({
  code,
  output,
}))

describe('README', () => {
  test('has an expected output for every example', () => {
    expect(examples.length).toBeGreaterThan(3)
    expect(readme.match(/```js\n/g)).toHaveLength(examples.length)
  })

  test.each(examples)('example $# prints what it says', ({ code, output }) => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'readme-'))
    try {
      fs.mkdirSync(path.join(dir, 'node_modules'))
      fs.symlinkSync(root, path.join(dir, 'node_modules', 'jsonl-sessions'))
      fs.writeFileSync(path.join(dir, 'example.mjs'), code ?? '')
      expect(execFileSync(process.execPath, ['example.mjs'], { cwd: dir, timeout: 30_000 }).toString()).toBe(output)
    } finally {
      fs.rmSync(dir, { recursive: true })
    }
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
