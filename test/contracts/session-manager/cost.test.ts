/** What the calls read and write, in bytes, of a long log. */
import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Json, JsonlSessionManager, type Session } from '../../../src/contracts/session-manager/index.js'
import { bytesRead } from '../../helpers/file-calls.js'
import { open, tempFolder } from '../../helpers/store.js'

const MESSAGES: Json[] = Array.from({ length: 1500 }, (_, i) => ({ role: 'user', content: `${i} `.repeat(500) }))
const STATE = { files: Array.from({ length: 3000 }, (_, i) => `a file with a rather long name, number ${i}`) }

function session(messages: Json[]): Session {
  const labels = { name: 'n', tags: ['a'], agentName: '', turnCount: 1, totalTokens: 0 }
  return { metadata: { id: 's', createdAt: 0, updatedAt: 0, ...labels }, messages, state: STATE }
}

/** A manager that has just opened a folder with one long session in it. */
async function reopened() {
  const folder = tempFolder()
  const store = await open(folder)
  await new JsonlSessionManager(store).save(session(MESSAGES))
  await store.close()
  const next = await open(folder)
  const log = next.session('s').path
  return { manager: new JsonlSessionManager(next), size: () => fs.statSync(log).size }
}

describe('with a long log', () => {
  test('list reads no log', async () => {
    const { manager, size } = await reopened()
    expect(await bytesRead(() => manager.list())).toBeLessThan(size() / 50)
  })

  test.each<[string, (manager: JsonlSessionManager) => Promise<unknown>]>([
    ['tag', (manager) => manager.tag('s', ['new'])],
    ['a tag that is there', (manager) => manager.tag('s', ['a'])],
    ['rename', (manager) => manager.rename('s', 'new')],
  ])('%s reads next to nothing and writes one line', async (_, change) => {
    const { manager, size } = await reopened()
    const before = size()
    expect(await bytesRead(() => change(manager))).toBeLessThan(before / 20)
    expect(await bytesRead(() => change(manager))).toBeLessThan(before / 20)
    expect(size() - before).toBeLessThan(300)
  })

  test('resume reads the log once', async () => {
    const { manager, size } = await reopened()
    expect(await bytesRead(() => manager.resume('s'))).toBeLessThan(1.2 * size())
  })

  test('one more message is one more line, and one reading', async () => {
    const { manager, size } = await reopened()
    const before = size()
    const messages = [...MESSAGES, { role: 'user', content: 'one more' }]
    expect(await bytesRead(() => manager.save(session(messages)))).toBeLessThan(1.2 * before)
    expect(size() - before).toBeLessThan(500)
  })

  test('a save after a save reads nothing, unless something is to be removed', async () => {
    const { manager, size } = await reopened()
    const before = size()
    await manager.save(session([...MESSAGES, 1]))
    expect(await bytesRead(() => manager.save(session([...MESSAGES, 1, 2, 3])))).toBe(0)
    expect(await bytesRead(() => manager.save(session([...MESSAGES, 1, 2, 3])))).toBe(0)
    expect(size() - before).toBeLessThan(1000)
    expect(await bytesRead(() => manager.save(session([...MESSAGES, 1, 2])))).toBeLessThan(1.2 * size())
  })

  test('a rewind writes the ids of what it removes', async () => {
    const { manager, size } = await reopened()
    const before = size()
    await manager.rewind('s', MESSAGES.length - 10)
    expect(size() - before).toBeLessThan(1000)
    expect(await bytesRead(() => manager.list())).toBeLessThan(1.2 * before)
    expect(await bytesRead(() => manager.list())).toBeLessThan(before / 50)
  })
})
