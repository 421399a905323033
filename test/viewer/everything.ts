/// <reference lib="dom" />
/** A store in which there is some of everything, and the views that show it. */
import fs from 'node:fs'
import type { Page } from 'playwright-core'
import type { SessionStore } from '../../src/index.js'
import { fill, open, tempFolder, until } from '../helpers/store.js'

/** A store in which there is some of everything. */
export async function everything(): Promise<SessionStore> {
  const store = await open(tempFolder())
  const ann = store.session('telegram_ann')
  const usage = { promptTokens: 900, completionTokens: 40 }
  await ann.setName("Ann's calendar")
  await ann.tag(['ops'])
  await ann.append({ role: 'user', content: 'What is on **today**? https://example.org/x' })
  await ann.append({
    role: 'assistant',
    content: '# Plan\n\n- one\n- `two`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```js\nconst x = 1\n```',
    thinking: [{ type: 'thinking', thinking: 'Let me see.' }],
    usage,
    model: 'small',
    toolCalls: [
      { id: 'c1', name: 'calendar', arguments: { day: 'today' } },
      { id: 'c2', name: 'edit', arguments: { path: 'a', old_string: 'x\ny', new_string: 'x\nz' } },
      { id: 'c3', name: 'never', arguments: {} },
    ],
  })
  await ann.append({
    role: 'tool',
    toolCallId: 'c1',
    content: Array.from({ length: 40 }, (_, i) => `line ${i}`).join('\n'),
  })
  await ann.append({ role: 'tool', toolCallId: 'c2', content: 'no such file', isError: true })
  await ann.remove(await ann.append({ role: 'user', content: 'taken back' }))
  fs.appendFileSync(ann.path, '{"role":"us\n')
  fs.appendFileSync(ann.path, Buffer.from([0x7b, 0xff, 0x0a]))
  await nextMs()
  const sub = await fill(store, 'sub', ['below'])
  await sub.setMetadata('parent', 'telegram_ann')
  await nextMs()
  await store.session('failed').setState('error', 'turn-1')
  await nextMs()
  const quarantined = await fill(store, 'q', ['x', 'y'])
  fs.appendFileSync(quarantined.path, 'kept aside\n')
  await quarantined.removeLast()
  await quarantined.rewrite()
  return store
}

export const VIEWS = [
  '/',
  '/sessions',
  '/s/telegram_ann',
  '/s/telegram_ann?at=0&removed=1&records=1',
  '/s/telegram_ann?view=context',
  '/s/telegram_ann/raw',
  '/health',
  '/usage',
  '/search?q=today',
  '/help',
]

/** The view has its answers. */
export async function settled(page: Page): Promise<void> {
  await page.waitForSelector('h1')
  await page.waitForFunction(
    () => !/(Looking|Reading|Searching|Adding up|checked \d+ of .*)…/.test(document.body.textContent ?? ''),
  )
}

/** Sessions whose last activity is the same are listed in any order. */
async function nextMs(): Promise<void> {
  const since = Date.now()
  await until(() => Date.now() > since)
}
