/** Values that are too long for a terminal, an environment or a row. */
import fs from 'node:fs'
import { expect, test } from 'vitest'
import { Alarm } from '../../src/cli/watch/exec.js'
import { openStore, type StuckEvent } from '../../src/index.js'
import { folder, run, runAlone } from './run.js'

const IMAGE = 'A'.repeat(3_000_000)

test('show cuts long values and says how long they are, unless --full is given', async () => {
  const root = await folder()
  const store = await openStore(root)
  const content = [
    { type: 'text', text: `look ${'b'.repeat(5_000)}` },
    { type: 'image', source: { data: IMAGE } },
  ]
  await store.session('a').append({ role: 'user', content, note: 'c'.repeat(9_000) } as never)
  await store.close()
  for (const more of [[], ['--ids']]) {
    const { out } = await run(['show', 'a', ...more, '--root', root])
    expect(out.length).toBeLessThan(10_000)
    expect(out).toContain('b'.repeat(1_000))
    expect(out).toContain('(3000000 characters; --full shows them)')
    expect(out).toContain('(9000 characters; --full shows them)')
  }
  expect((await run(['show', 'a', '--full', '--root', root])).out.replace(/\s/g, '')).toContain(IMAGE)
  expect((await run(['show', 'a', '--json', '--root', root])).out).toContain(IMAGE)
})

test('show holds one message at a time, in full or cut', async () => {
  const root = await folder()
  const store = await openStore(root)
  const content = [{ type: 'image', source: { data: IMAGE } }]
  for (let n = 0; n < 12; n++) await store.session('a').append({ role: 'user', content } as never)
  await store.close()
  const env = { NODE_OPTIONS: '--max-old-space-size=28' } // less than the messages together
  const [cut, full] = await Promise.all(
    [[], ['--full']].map((more) => runAlone(['show', 'a', ...more, '--root', root], { env })),
  )
  expect(cut).toMatchObject({ code: 0, err: '' })
  expect(cut?.out.match(/3000000 characters; --full shows them/g)).toHaveLength(12)
  expect(full?.code).toBe(0)
  expect(full?.out.length).toBeGreaterThan(12 * IMAGE.length)
})

test('one long name does not widen the rows of a piped list', async () => {
  const root = await folder()
  const store = await openStore(root)
  for (const key of ['a', 'b']) await store.session(key).append({ role: 'user', content: 'x' })
  await store.session('b').setName('n'.repeat(8_000))
  await store.close()
  const rows = (await run(['list', '--root', root])).out.split('\n')
  expect(rows.find((row) => row.startsWith('a '))?.length).toBeLessThan(300)
})

test('a command of watch runs for a key that no environment can hold', async () => {
  const root = await folder()
  const key = `k${'é'.repeat(140_000)}`
  const owner = { host: 'h', pid: 1, liveness: 'dead' as const }
  const event = { key, turnId: 't', reason: 'owner-dead', since: new Date(), runningMs: 1, owner } as StuckEvent
  const alarm = new Alarm(`printf %s "$JSONL_SESSIONS_KEY" > '${root}/told'`, root)
  alarm.ring(event)
  await alarm.idle()
  expect(fs.readFileSync(`${root}/told`, 'utf8')).toBe(key.slice(0, 32_000))
})
