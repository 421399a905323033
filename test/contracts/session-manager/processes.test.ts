/** Another process that has the session's lease. */
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { JsonlSessionManager, type Session } from '../../../src/contracts/session-manager/index.js'
import { RemoteStore } from '../../helpers/child.js'
import { codeOf, open, sleep, tempFolder } from '../../helpers/store.js'

const u = { role: 'user', content: 'x' }

function session(id: string, messages = [u, u], tags: string[] = []): Session {
  const labels = { name: 'n', tags, agentName: '', turnCount: 1, totalTokens: 0 }
  return { metadata: { id, createdAt: 0, updatedAt: 0, ...labels }, messages, state: null }
}

const WRITES: Array<[string, (manager: JsonlSessionManager) => Promise<unknown>]> = [
  ['save', (manager) => manager.save(session('s', [u]))],
  ['rewind', (manager) => manager.rewind('s', 1)],
  ['tag', (manager) => manager.tag('s', ['new'])],
  ['rename', (manager) => manager.rename('s', 'new')],
  ['delete', (manager) => manager.delete('s')],
]

describe('while another process has the lease', () => {
  test('writes reject with ERR_LOCKED and write nothing, reads and forks work', async () => {
    const folder = tempFolder()
    const holder = await RemoteStore.openLeased(folder)
    await holder.append('s', 'theirs')
    holder.kill('SIGSTOP')
    const store = await open(folder, { lockTimeout: 100 })
    const manager = new JsonlSessionManager(store)
    const log = path.join(folder, 's.jsonl')
    const before = fs.readFileSync(log)
    const resumed = await manager.resume('s')
    for (const [, write] of WRITES) expect(await codeOf(write(manager))).toBe('ERR_LOCKED')
    expect(fs.readFileSync(log)).toEqual(before)
    expect(await manager.resume('s')).toEqual(resumed)
    const fork = await manager.fork('s')
    expect((await manager.resume(fork.id)).messages).toEqual(resumed.messages)
    expect((await manager.list()).length).toBe(2)
    await manager.save(session('other'))
    holder.kill('SIGCONT')
    await holder.call('close')
    for (const [, write] of WRITES) await write(manager)
  })

  test('tags that both add at the same time are all kept', async () => {
    const folder = tempFolder()
    const manager = new JsonlSessionManager(await open(folder))
    await manager.save(session('s'))
    const other = await RemoteStore.open(folder)
    const numbers = Array.from({ length: 25 }, (_, i) => i)
    await Promise.all(
      numbers.flatMap((n) => [manager.tag('s', [`ours ${n}`, 'both']), other.call('tag', 's', [`theirs ${n}`])]),
    )
    const { tags } = (await manager.resume('s')).metadata
    expect([...tags].sort()).toEqual(['both', ...numbers.flatMap((n) => [`ours ${n}`, `theirs ${n}`])].sort())
  })

  test('a save decides on what the other one wrote', async () => {
    const folder = tempFolder()
    const manager = new JsonlSessionManager(await open(folder))
    await manager.save(session('s', [u]))
    const other = await RemoteStore.open(folder)
    for (let round = 0; round < 10; round++) {
      const given = session('s', [u, { role: 'user', content: `ours ${round}` }])
      await Promise.all([other.append('s', `theirs ${round}`), manager.save(given)])
      const { messages } = await manager.resume('s')
      expect(messages.slice(0, 2)).toEqual(given.messages)
      expect([0, 1]).toContain(messages.length - 2)
      await manager.save(given)
      expect((await manager.resume('s')).messages).toEqual(given.messages)
    }
  })
})

describe('a lease that is lost', () => {
  /** A holder checks from time to time whether it still has its lease. */
  async function untilFailure(
    write: (n: number) => Promise<void>,
  ): Promise<{ done: number; code: string | undefined }> {
    for (let n = 0; n < 300; n++) {
      const code = await codeOf(write(n))
      if (code !== undefined) return { done: n, code }
      await sleep(20)
    }
    return { done: 300, code: undefined }
  }

  const named = (n: number) => session('s', [u, { role: 'user', content: `${n}` }], [`${n}`])

  test.each<[string, (manager: JsonlSessionManager, n: number) => Promise<void>, (n: number) => string[]]>([
    ['tag', (manager, n) => manager.tag('s', [`${n}`]), (n) => Array.from({ length: n }, (_, i) => `${i}`)],
    ['save', (manager, n) => manager.save(named(n)), (n) => [`${n - 1}`]],
  ])('%s rejects with ERR_LOCK_LOST, and nothing of it is written', async (_, write, tagsAfter) => {
    const folder = tempFolder()
    const manager = new JsonlSessionManager(await open(folder))
    await manager.save(session('s'))
    fs.rmSync(path.join(folder, '.locks', 's'), { recursive: true })
    const { done, code } = await untilFailure((n) => write(manager, n))
    expect(code).toBe('ERR_LOCK_LOST')
    const { tags } = (await manager.resume('s')).metadata
    expect(tags).toEqual(done === 0 ? [] : tagsAfter(done))
    await write(manager, done)
    expect((await manager.resume('s')).metadata.tags).toEqual(tagsAfter(done + 1))
  })
})
