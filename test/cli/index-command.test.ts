import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { folder, run } from './run.js'

const text = (i: number) => `${JSON.stringify({ role: 'user', content: `here speaks number ${i}.` })}\n`

test('index makes the index of searches, search uses it, index --drop removes it', { timeout: 60_000 }, async () => {
  const root = join(await folder(), 'sessions')
  mkdirSync(root)
  for (let i = 0; i < 300; i++) writeFileSync(join(root, `many${i}.jsonl`), text(i), { mode: 0o600 })
  await new Promise((resolve) => setTimeout(resolve, 50))
  const made = await run(['index', '--root', root, '--json'])
  expect(JSON.parse(made.out)).toMatchObject({ sessions: 300 })
  expect(existsSync(join(root, '.index', 'search-3'))).toBe(true)
  const found = await run(['search', '--root', root, '--json', '"number 217."'])
  expect(JSON.parse(found.out).sessions.map(({ key }: { key: string }) => key)).toEqual(['many217'])
  expect((await run(['check', '--root', root])).code).toBe(0)
  expect((await run(['index', '--root', root, '--drop'])).code).toBe(0)
  expect(existsSync(join(root, '.index'))).toBe(false)
  expect((await run(['index', '--root', join(root, 'nowhere')])).code).toBe(3)
})
