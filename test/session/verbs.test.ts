/** Small verbs of a session, and those of a store over all its sessions. */
import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { fill, message, open } from '../helpers/store.js'

describe('a session', () => {
  test('exists from its first line to its deletion', async () => {
    const session = (await open()).session('a')
    expect(await session.exists()).toBe(false)
    await session.append(message('x'))
    expect(await session.exists()).toBe(true)
    await session.delete()
    expect(await session.exists()).toBe(false)
  })

  test('counts its usage, of removed messages too', async () => {
    const session = (await open()).session('a')
    const none = { promptTokens: 0, completionTokens: 0, cacheReadTokens: 0, cacheCreationTokens: 0, thinkingTokens: 0 }
    expect(await session.usage()).toEqual({ ...none, apiCalls: 0 })
    for (const promptTokens of [10, 5])
      await session.append({ role: 'assistant', content: 'x', usage: { promptTokens, completionTokens: 1 } })
    await session.removeLast()
    expect(await session.usage()).toEqual({ ...none, promptTokens: 15, completionTokens: 2, apiCalls: 2 })
    await session.rewrite()
    expect((await session.usage()).promptTokens).toBe(15)
  })

  test('is trimmed to its last messages; a call stays with its result, and what waits stays', async () => {
    const store = await open()
    const session = store.session('a')
    await session.append({ role: 'user', content: 'secret', usage: { promptTokens: 7 } })
    await session.receive(message('waits'))
    await session.append([
      { role: 'assistant', content: null, toolCalls: [{ id: 't1' }] },
      { role: 'tool', toolCallId: 't1', content: 'result' },
      message('last'),
    ])
    expect(await session.trim({ keep: 2 })).toBe(1)
    const left = (await session.messages()).map(({ content }) => content)
    expect(left).toEqual(['waits', null, 'result', 'last'])
    expect(fs.readFileSync(session.path, 'utf8')).not.toContain('secret')
    expect((await session.usage()).promptTokens).toBe(7)
    expect(await session.waiting()).toMatchObject([{ message: { content: 'waits' } }])
    expect(await session.trim({ keep: 9 })).toBe(0)
    expect(await session.trim({ keep: 0 })).toBe(3)
    expect(await session.messages()).toMatchObject([{ content: 'waits' }])
    expect(await store.session('none').trim({ keep: 1 })).toBe(0)
    await expect(session.trim({ last: 1 } as never)).rejects.toThrow('trim knows no option last')
    await expect(session.trim(undefined as never)).rejects.toThrow(TypeError)
  })

  test('goes to the trash and comes back', async () => {
    const store = await open()
    const session = await fill(store, 'a', ['1', '2'])
    const id = await session.trash()
    expect(await session.exists()).toBe(false)
    expect(await session.trash()).toBeNull()
    expect(await store.trash()).toMatchObject([{ id, key: 'a' }])
    expect(await store.restore(id as string)).toBe('a')
    expect(await session.messages()).toMatchObject([{ content: '1' }, { content: '2' }])
  })

  test('is not moved to the trash while a turn runs', async () => {
    const store = await open()
    const session = await fill(store, 'a', ['1'])
    await session.setState('running', 't1')
    await expect(session.trash()).rejects.toMatchObject({
      code: 'ERR_TURN_RUNNING',
      details: { key: 'a', running: 't1', owner: { pid: process.pid } },
    })
    expect(await session.exists()).toBe(true)
    await session.setState('idle', 't1')
    expect(await session.trash()).not.toBeNull()
  })

  test('keeps metadata of any JSON, lists it and removes it', async () => {
    const store = await open()
    const session = store.session('a')
    await session.setMetadata('none', null)
    expect(await session.exists()).toBe(false)
    const value = { steps: [1, { done: true }], text: 'x' }
    await session.setMetadata('plan', value)
    value.text = 'changed later'
    await session.setMetadata('__proto__', 'own')
    await session.setMetadata('zero', 0)
    const again = (await open(store.dir)).session('a')
    for (const one of [session, again]) {
      expect(await one.getMetadata('plan')).toEqual({ steps: [1, { done: true }], text: 'x' })
      expect(Object.entries(await one.metadata())).toEqual([
        ['plan', { steps: [1, { done: true }], text: 'x' }],
        ['__proto__', 'own'],
        ['zero', 0],
      ])
    }
    await session.setMetadata('plan', null)
    await session.rewrite()
    expect(Object.keys(await again.metadata())).toEqual(['__proto__', 'zero'])
    expect(await again.getMetadata('plan')).toBeNull()
    expect(await again.getMetadata('toString')).toBeNull()
    await expect(session.setMetadata('x', 1n as never)).rejects.toThrow(TypeError)
    await expect(session.setMetadata('x', undefined as never)).rejects.toThrow(TypeError)
  })
})

describe('a store', () => {
  test('rewrites all logs; one that fails does not keep the others', async () => {
    const store = await open()
    for (const key of ['a', 'b', 'c', 'd']) await fill(store, key, ['1', '2'])
    for (const key of ['a', 'c', 'd']) await store.session(key).removeLast()
    fs.appendFileSync(store.session('c').path, '{"type":"session","version":9,"key":"c"}\n')
    const { rewritten, untouched, failed } = await store.rewriteAll()
    expect(rewritten.map(({ key }) => key)).toEqual(['a', 'd'])
    expect(untouched).toBe(1)
    expect(failed).toMatchObject([{ key: 'c', error: { code: 'ERR_VERSION_UNSUPPORTED' } }])
  })

  test('checks all sessions, mends, and goes on where one cannot be mended', async () => {
    const store = await open()
    for (const key of ['a', 'b']) {
      const session = await fill(store, key, ['1', '2'])
      fs.appendFileSync(session.path, 'no line\n')
    }
    expect(await store.check({ keys: ['a'] })).toMatchObject({
      sessions: 1,
      messages: 2,
      findings: [{ kind: 'damaged-line', key: 'a', line: 4 }],
      mended: [],
    })
    const { findings, mended, failed } = await store.check({ fix: true })
    expect(mended.map(({ key }) => key)).toEqual(['a', 'b'])
    expect([findings.length, failed]).toEqual([2, []])
    expect((await store.check()).findings).toEqual([])
    await expect(store.check({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
    await expect(store.check({ mend: true } as never)).rejects.toThrow('check knows no option mend')
  })
})

test('tags that a foreign line sets twice come once', async () => {
  const store = await open()
  const session = await fill(store, 'a', ['x'])
  fs.appendFileSync(session.path, `${JSON.stringify({ type: 'meta', set: { tags: ['x', 'y', 'x'] } })}\n`)
  expect((await session.info())?.tags).toEqual(['x', 'y'])
  expect((await store.list())[0]?.tags).toEqual(['x', 'y'])
})
