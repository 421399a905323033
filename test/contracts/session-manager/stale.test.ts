/** A save that names the revision that its session was made from. */
import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { JsonlSessionBackend } from '../../../src/contracts/session-backend/index.js'
import { JsonlSessionManager, type Session } from '../../../src/contracts/session-manager/index.js'
import { RemoteStore } from '../../helpers/child.js'
import { message, open, tempFolder } from '../../helpers/store.js'

const CHANGED = { code: 'ERR_SESSION_CHANGED', details: { id: 's' } }

function session(texts: string[], labels: Partial<Session['metadata']> = {}, state: Session['state'] = null): Session {
  const none = { name: 'n', tags: ['t'], agentName: 'a', turnCount: 1, totalTokens: 2, createdAt: 0, updatedAt: 0 }
  return { metadata: { id: 's', ...none, ...labels }, messages: texts.map(message), state }
}

const longer = (one: Session, text: string): Session => ({ ...one, messages: [...one.messages, message(text)] })

async function opened(folder = tempFolder()) {
  const store = await open(folder)
  return { folder, store, manager: new JsonlSessionManager(store), backend: new JsonlSessionBackend(store) }
}

const CHANGES: Array<[string, (of: Awaited<ReturnType<typeof opened>>) => Promise<unknown>]> = [
  ['a message of another contract', ({ backend }) => backend.append('s', message('theirs'))],
  ['a message taken back', ({ backend }) => backend.removeLast('s')],
  ['a rewind', ({ manager }) => manager.rewind('s', 1)],
  ['a tag', ({ manager }) => manager.tag('s', ['new'])],
  ['a name', ({ manager }) => manager.rename('s', 'new')],
  ['a state', ({ manager }) => manager.save(session(['1', '2'], {}, 5))],
  ['counters', ({ manager }) => manager.save(session(['1', '2'], { totalTokens: 3 }))],
  ['an agent', ({ manager }) => manager.save(session(['1', '2'], { agentName: 'b' }))],
  ['a deletion', ({ manager }) => manager.delete('s')],
  [
    'an edit by hand',
    async ({ store }) => {
      const log = store.session('s').path
      fs.writeFileSync(log, fs.readFileSync(log, 'utf8').replace('"content":"1"', '"content":"1!"'))
    },
  ],
]

describe('a save over what was resumed', () => {
  test.each(CHANGES)('rejects after %s, and writes nothing', async (_, change) => {
    const stage = await opened()
    const { manager, store } = stage
    await manager.save(session(['1', '2']))
    const resumed = await manager.resume('s')
    await change(stage)
    const log = store.session('s').path
    const before = fs.existsSync(log) && fs.readFileSync(log)
    for (const other of [manager, new JsonlSessionManager(store)]) {
      await expect(other.save(longer(resumed, '3'), { resumed })).rejects.toMatchObject(CHANGED)
    }
    expect(fs.existsSync(log) && fs.readFileSync(log)).toEqual(before)
    await manager.save(longer(resumed, '3'))
    expect((await manager.resume('s')).messages).toEqual(['1', '2', '3'].map(message))
  })

  test('succeeds turn after turn while no other writer changes the session', async () => {
    const { manager, store, backend } = await opened()
    let resumed = session(['1'])
    await manager.save(resumed, { resumed: null })
    for (let turn = 2; turn < 6; turn++) {
      const next = { ...longer(resumed, `${turn}`), state: { turn } }
      await manager.save(next, { resumed })
      resumed = next
    }
    await backend.setSessionState('s', 'running', 'x')
    await backend.append('s', message('theirs'))
    await backend.removeLast('s')
    await store.session('s').rewrite()
    const now = await manager.resume('s')
    await manager.save(longer(now, '6'), { resumed })
    expect((await manager.resume('s')).messages).toEqual(['1', '2', '3', '4', '5', '6'].map(message))
  })

  test('that was not there rejects when it is there, and the other way round', async () => {
    const { manager } = await opened()
    await expect(manager.save(session(['1']), { resumed: session([]) })).rejects.toMatchObject(CHANGED)
    expect(await manager.list()).toEqual([])
    await manager.save(session(['1']), { resumed: null })
    await expect(manager.save(session(['1']), { resumed: null })).rejects.toMatchObject(CHANGED)
  })

  test('of a session that was never saved compares the counters that are shown', async () => {
    const { manager, backend } = await opened()
    await backend.append('s', message('1'))
    const resumed = await manager.resume('s')
    await manager.save({ ...longer(resumed, '2'), metadata: { ...resumed.metadata, turnCount: 2 } }, { resumed })
    expect((await manager.resume('s')).messages).toHaveLength(2)
  })

  test('sees what the caller had at the call, not what became of it', async () => {
    const { manager } = await opened()
    await manager.save(session(['1']))
    const resumed = await manager.resume('s')
    const given = longer(resumed, '2')
    const saved = manager.save(given, { resumed })
    resumed.messages.length = 0
    given.messages.length = 0
    await saved
    expect((await manager.resume('s')).messages).toEqual(['1', '2'].map(message))
  })

  test('of another session, or of none, is a TypeError', async () => {
    const { manager } = await opened()
    const other = session([], { id: 'other' })
    for (const resumed of [other, {}, 5]) {
      await expect(manager.save(session([]), { resumed: resumed as never })).rejects.toThrow(TypeError)
    }
    await expect(manager.save(session([]), { unchanged: -1 })).rejects.toThrow(RangeError)
    expect(await manager.list()).toEqual([])
  })

  test('of two processes at once, one wins and the other one gets an error', async () => {
    const { manager, folder } = await opened()
    await manager.save(session(['1']))
    const other = await RemoteStore.open(folder)
    for (let round = 0; round < 10; round++) {
      const resumed = await manager.resume('s')
      const save = manager.save(longer(resumed, `ours ${round}`), { resumed })
      const [outcome] = await Promise.allSettled([save, other.append('s', `theirs ${round}`)])
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject(CHANGED)
      const { messages } = await manager.resume('s')
      const has = (text: string) => messages.some((one) => (one as { content: string }).content === text)
      expect(has(`theirs ${round}`)).toBe(true)
      expect(has(`ours ${round}`)).toBe(outcome.status === 'fulfilled')
    }
    // one that is surely late
    const resumed = await manager.resume('s')
    await other.append('s', 'between')
    await expect(manager.save(longer(resumed, 'late'), { resumed })).rejects.toMatchObject(CHANGED)
  })
})
