/** Laws of imports: twice is once, a part and then the whole is the whole, a bad line costs only itself. */
import fs from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openStore } from '../../src/index.js'
import { internalsOf } from '../../src/store/store.js'
import { tempFolder } from '../helpers/store.js'
import { claudeSession, codexSession, piSession, roleSession } from './histories.js'
import { bytesIn, contentIn, fileWith, importInto, seenIn } from './seen.js'

const SOURCES: Record<string, (seed: number) => string> = {
  'claude-code': claudeSession,
  codex: codexSession,
  pi: piSession,
  'role-lines': roleSession,
}

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString()
const item = (second: number, type: string, payload: object) => ({ timestamp: at(second), type, payload })

/** Lines of which each follows the last one. */
const LINEAR: Record<string, object[]> = {
  'claude-code': ['a', 'b', 'c'].map((uuid, place) => ({
    type: 'user',
    uuid,
    parentUuid: place === 0 ? null : ['a', 'b'][place - 1],
    sessionId: 's',
    timestamp: at(place),
    message: { role: 'user', content: place === 2 ? 'more' : 'text' },
  })),
  codex: [
    item(0, 'session_meta', { id: 's', cwd: '/' }),
    item(1, 'response_item', { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'run it' }] }),
    item(2, 'response_item', { type: 'function_call', name: 'exec', arguments: '{}', call_id: 'c' }),
    item(3, 'event_msg', { type: 'exec_command_end', call_id: 'c', aggregated_output: 'ok' }),
    item(4, 'response_item', { type: 'function_call_output', call_id: 'c', output: 'ok' }),
    item(5, 'response_item', { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'more' }] }),
  ],
  pi: [
    { type: 'session', version: 3, id: 's', cwd: '/', timestamp: at(0) },
    { type: 'message', id: 'a', parentId: null, timestamp: at(1), message: { role: 'user', content: 'text' } },
    { type: 'message', id: 'b', parentId: 'a', timestamp: at(2), message: { role: 'user', content: 'more' } },
  ],
}

describe.each(Object.keys(SOURCES))('%s', (format) => {
  const sourceOf = SOURCES[format]!

  test('importing twice is importing once: no byte is written', async () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const root = tempFolder()
      const file = fileWith(sourceOf(seed))
      const first = await importInto(root, file, { format })
      expect(first.sessions.length).toBeGreaterThan(0)
      const before = bytesIn(root)
      const again = await importInto(root, file, { format })
      expect(again.sessions.every(({ action }) => action === 'unchanged')).toBe(true)
      expect(bytesIn(root)).toEqual(before)
    }
  })

  test('two stores get the same bytes', async () => {
    const file = fileWith(sourceOf(7))
    const [a, b] = [tempFolder(), tempFolder()]
    await importInto(a, file, { format })
    await importInto(b, file, { format })
    expect(bytesIn(a)).toEqual(bytesIn(b))
  })

  test('a file cut after any byte, then the whole, is the whole', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 1000 }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        async (seed, cuts, final) => {
          const bytes = Buffer.from(sourceOf(seed))
          const [whole, parts] = [tempFolder(), tempFolder()]
          const dir = tempFolder()
          await importInto(whole, fileWith(bytes, dir), { format, final: true })
          for (const cut of [...cuts].sort()) {
            const part = bytes.subarray(0, Math.max(1, Math.floor(cut * bytes.length)))
            // the first line identifies the file
            if (!part.includes(10)) continue
            await importInto(parts, fileWith(part, dir), { format, final })
          }
          await importInto(parts, fileWith(bytes, dir), { format, final: true })
          expect(await seenIn(parts)).toEqual(await seenIn(whole))
        },
      ),
      { numRuns: 12, seed: 20261128 },
    )
  })

  test('bad lines cost themselves only, and are kept byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 1000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (seed, place) => {
          const lines = sourceOf(seed).split('\n').slice(0, -1)
          const at = 1 + Math.floor(place * (lines.length - 1))
          const bad = Buffer.from([0x7b, 0x22, 0xff, 0x00, 0x22, 0x0a])
          const before = Buffer.from(`${lines.slice(0, at).join('\n')}\n`)
          const after = Buffer.from(
            lines
              .slice(at)
              .map((line) => `${line}\n`)
              .join(''),
          )
          const dir = tempFolder()
          const [clean, damaged] = [tempFolder(), tempFolder()]
          await importInto(clean, fileWith(Buffer.concat([before, after]), dir), { format, final: true })
          const report = await importInto(damaged, fileWith(Buffer.concat([before, bad, after]), dir), {
            format,
            final: true,
          })
          expect(report.files[0]?.bad).toEqual([{ line: at + 1, offset: before.length, reason: 'not UTF-8' }])
          expect(await seenIn(damaged)).toEqual(await seenIn(clean))
          const quarantine = path.join(damaged, '.quarantine')
          const kept = fs
            .readdirSync(quarantine, { recursive: true, encoding: 'utf8' })
            .filter((name) => name.endsWith('.bin'))
          expect(kept.map((name) => fs.readFileSync(path.join(quarantine, name)))).toEqual([bad])
        },
      ),
      { numRuns: 8, seed: 20261128 },
    )
  })

  test('the counters of a report add up', async () => {
    for (const seed of [11, 12, 13]) {
      const { files } = await importInto(tempFolder(), fileWith(`${sourceOf(seed)}\n{"torn`), { format })
      const { lines, blank, used, records, duplicates, offPath, bad, torn } = files[0]!
      expect(blank + used + records + duplicates + offPath + bad.length + torn).toBe(lines)
    }
  })
})

test('the order of files does not matter', async () => {
  const dir = tempFolder()
  fs.writeFileSync(path.join(dir, 'a.jsonl'), claudeSession(21))
  fs.writeFileSync(path.join(dir, 'b.jsonl'), codexSession(22))
  const [one, other] = [tempFolder(), tempFolder()]
  await importInto(one, dir, { final: true })
  for (const name of ['b.jsonl', 'a.jsonl']) await importInto(other, path.join(dir, name), { final: true })
  expect(await seenIn(one)).toEqual(await seenIn(other))
})

test('what was removed here stays removed, and what was added here stays', async () => {
  const root = tempFolder()
  const dir = tempFolder()
  const text = roleSession(31)
  const file = fileWith(text, dir)
  const { sessions } = await importInto(root, file)
  const key = sessions[0]!.key
  let store = await openStore(root)
  const before = await store.session(key).messages()
  await store.session(key).remove(String(before[0]!.id))
  await store.session(key).append({ role: 'user', content: 'said here' })
  await store.session(key).setName('my name')
  await store.close()
  const more = `${text}{"role":"user","content":"one more","timestamp":"2027-01-01T00:00:00.000Z"}\n`
  await importInto(root, fileWith(more, dir))
  store = await openStore(root)
  const contents = (await store.session(key).messages()).map(({ content }) => content)
  expect(contents).toContain('said here')
  expect(contents).toContain('one more')
  expect(contents.length).toBe(before.length + 1)
  expect(await store.session(key).name()).toBe('my name')
  await store.close()
})

test('branches that were left become forks, whose calls are counted once', async () => {
  const header = '{"type":"session","version":3,"id":"p","cwd":"/","timestamp":"2026-01-01T00:00:00.000Z"}\n'
  const entry = (id: string, parentId: string | null, role: string) =>
    `${JSON.stringify({ type: 'message', id, parentId, timestamp: '2026-01-01T00:00:01.000Z', message: { role, content: [{ type: 'text', text: id }], usage: { input: 1, output: 1 } } })}\n`
  const text = header + entry('q', null, 'user') + entry('left', 'q', 'assistant') + entry('taken', 'q', 'assistant')
  const root = tempFolder()
  const { sessions } = await importInto(root, fileWith(text), { branches: 'all' })
  expect(sessions.map(({ key, action, messages }) => [key, action, messages])).toEqual([
    ['pi/p', 'created', 2],
    ['pi/p/branch-left', 'forked', 2],
  ])
  const usageOf = async (key: string) => Object.keys((await contentIn(root, key)).usage).sort()
  expect(await usageOf('pi/p')).toEqual(['(branch)', 'main'])
  expect(await usageOf('pi/p/branch-left')).toEqual([])
  const again = await importInto(root, fileWith(text), { branches: 'all' })
  expect(again.sessions.every(({ action }) => action === 'unchanged')).toBe(true)
})

test.each(['claude-code', 'codex', 'pi'])('a %s file that grew is read on from where it ended', async (format) => {
  const root = tempFolder()
  const lines = LINEAR[format]!.map((value) => `${JSON.stringify(value)}\n`)
  const dir = tempFolder()
  for (const part of [lines.slice(0, -1), lines]) await importInto(root, fileWith(part.join(''), dir), { format })
  const store = await openStore(root)
  const [key] = await store.keys()
  const known = await internalsOf(store).log(key!).current()
  const { bytes, resume } = known!.summary.labels.import as { bytes: number; resume?: { offset: number } }
  expect([bytes, resume?.offset]).toEqual([lines.join('').length, lines.join('').length])
  expect((await store.session(key!).messages()).map(({ content }) => content).at(-1)).toBe('more')
  await store.close()
})
