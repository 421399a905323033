/** A file that is named like a log and is none is read, and never written to, cleaned up or mended. */
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { JsonlPersistence } from '../../../src/contracts/persistence/index.js'
import { JsonlSessionManager } from '../../../src/contracts/session-manager/index.js'
import { run } from '../../cli/run.js'
import { codeOf, contents, fill, message, open, quarantined, tempFolder } from '../../helpers/store.js'

const line = (value: unknown) => `${JSON.stringify(value)}\n`
const FILES: Record<string, string> = {
  'an inbox': line({ sender: 'ann', text: 'hello' }) + line({ sender: 'bob', text: 'hi', reply: 'yes' }),
  'an inbox of one line': line({ sender: 'ann', text: 'hello' }),
  'a log of Claude Code':
    line({ type: 'user', uuid: 'u1', message: { role: 'user', content: 'x' } }) +
    line({ type: 'assistant', uuid: 'u2', message: { role: 'assistant', content: 'y' } }),
  'a log of Codex': line({ timestamp: '2026-01-01T00:00:00Z', type: 'session_meta', payload: { id: 'x' } }),
  'plain text': 'these are notes\nof a person\n',
  'two unfinished objects': '{"role":"us\n{"role":"use\n',
}

function scene(text: string) {
  const folder = tempFolder()
  const file = path.join(folder, 'x.jsonl')
  fs.writeFileSync(file, text)
  const longAgo = new Date('2020-01-01')
  fs.utimesSync(file, longAgo, longAgo)
  return { folder, file }
}

describe.each(Object.entries(FILES))('%s', (_, text) => {
  test('is left unchanged by every writing verb', async () => {
    const { folder, file } = scene(text)
    const store = await open(folder)
    const session = store.session('x')
    await fill(store, 'real', ['1'])
    const calls: Array<() => Promise<unknown>> = [
      () => session.append(message('new')),
      () => session.append([message('new'), message('newer')]),
      () => session.setName('n'),
      () => session.rewrite(),
      () => new JsonlPersistence(store).insertMessage('x', { role: 'user', content: 'x' }),
      () => new JsonlSessionManager(store).tag('x', ['t']),
      () => session.merge(store.session('real').path),
    ]
    for (const call of calls) expect(await codeOf(call()), String(call)).toBe('ERR_NOT_A_LOG')
    await store.cleanup({ olderThan: 1_000, maxSessions: 0 })
    expect(fs.readFileSync(file, 'utf8')).toBe(text)
    expect(fs.existsSync(path.join(folder, '.quarantine'))).toBe(false)
    expect(await session.messages()).toEqual([])
  })

  test('is left unchanged by compact --all and check --fix, which name it', async () => {
    const { folder, file } = scene(text)
    const compacted = await run(['--root', folder, 'compact', '--all'])
    expect(compacted).toMatchObject({ code: 0, err: expect.stringContaining('x.jsonl') })
    const checked = await run(['--root', folder, 'check', '--fix', '--json'])
    const { findings } = JSON.parse(checked.out)
    expect(findings.map(({ kind }: { kind: string }) => kind).filter((kind: string) => kind !== 'permissions')).toEqual(
      ['foreign-file'],
    )
    expect(fs.readFileSync(file, 'utf8')).toBe(text)
  })
})

test.each([
  ['an empty file', ''],
  ['blank lines', '\n\n'],
  ['a run of NUL bytes that a power cut left', '\0'.repeat(4096)],
  ['one unfinished object', '{"type":"session","version":1,"key":"x"'],
])('%s is what a crash leaves of a session, and can be written to', async (_, text) => {
  const { folder } = scene(text)
  const session = (await open(folder)).session('x')
  await session.append(message('new'))
  expect(await contents(session)).toEqual(['new'])
})

test('force rewrites it, and what went is in quarantine, byte for byte', async () => {
  const { folder } = scene(FILES['an inbox'] as string)
  const store = await open(folder)
  await store.session('x').rewrite({ force: true })
  expect(Buffer.concat(quarantined(folder, 'x')).toString()).toBe(FILES['an inbox'])
})

test('check --fix --force takes a file of another tool to quarantine, and without --force leaves it', async () => {
  const text = FILES['an inbox'] as string
  const { folder, file } = scene(text)
  await (await open(folder)).session('real').append(message('1'))
  expect((await run(['check', '--fix', '--root', folder])).code).toBe(0)
  expect(fs.readFileSync(file, 'utf8')).toBe(text)
  expect((await run(['check', '--force', '--root', folder])).code).toBe(2)
  await run(['check', '--fix', '--force', '--root', folder])
  expect(fs.readFileSync(file, 'utf8')).not.toContain('sender')
  expect(Buffer.concat(quarantined(folder, 'x')).toString()).toBe(text)
})
