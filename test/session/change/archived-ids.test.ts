/** Sums stay right when archived messages are removed whose ids do not rise. */
import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import type { Session } from '../../../src/index.js'
import { open, tempFolder } from '../../helpers/store.js'
import { idAt } from '../../log/histories.js'

const LINES = [
  { role: 'user', content: 'high', id: idAt(9) },
  { role: 'user', content: 'low', id: idAt(5) },
  { type: 'compaction', summary: 's', through: idAt(5), id: idAt(20) },
]

test.each([
  ['by its id', (session: Session) => session.remove(idAt(9))],
  ['as the last ones', async (session: Session) => [await session.removeLast(), await session.removeLast()]],
])('%s', async (_, take) => {
  const dir = tempFolder()
  const text = LINES.map((line) => `${JSON.stringify({ ...line, at: '2026-11-21T07:00:00.000Z' })}\n`).join('')
  fs.writeFileSync(path.join(dir, 'a.jsonl'), text, { mode: 0o600 })
  const store = await open(dir)
  await store.session('a').info()
  await take(store.session('a'))
  await store.close()
  // compares the sidecar with the log
  expect((await (await open(dir)).check()).findings).toEqual([])
})
