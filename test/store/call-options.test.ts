/** The options of single calls: what they do not know is refused, and a signal ends what takes long. */
import { describe, expect, test } from 'vitest'
import { fill, message, open } from '../helpers/store.js'

describe('an option that a call does not know', () => {
  test('is refused by every call that takes options, and nothing happens', async () => {
    const store = await open()
    const session = await fill(store, 'a', ['1', '2'])
    const wrong = { nonsense: 1 } as never
    const calls: Record<string, () => unknown> = {
      messages: () => session.messages(wrong),
      entries: () => session.entries(wrong),
      stream: () => session.stream(wrong).next(),
      context: () => session.context(wrong),
      append: () => session.append(message('x'), wrong),
      receive: () => session.receive(message('x'), wrong),
      rewind: () => session.rewind({ keep: 1 }, wrong),
      abort: () => session.abort(wrong),
      getValue: () => session.getValue('x', wrong),
      setState: () => session.setState('running', 't', wrong),
      turn: () => session.turn(() => 1, wrong),
      keys: () => store.keys(wrong),
      list: () => store.list(wrong),
      search: () => store.search('x', wrong),
      check: () => store.check(wrong),
      rewriteAll: () => store.rewriteAll(wrong),
      recover: () => store.recover(wrong),
      cleanup: () => store.cleanup({ olderThan: 1, ...(wrong as object) }),
      fork: () => store.fork('a', wrong),
    }
    for (const [name, call] of Object.entries(calls))
      await expect((async () => call())(), name).rejects.toThrow(/option:? nonsense/)
    expect(await store.keys()).toEqual(['a'])
    expect(await session.messages()).toMatchObject([{ content: '1' }, { content: '2' }])
    expect((await session.state())?.state).toBe('idle')
  })
})

describe('a signal', () => {
  const aborted = AbortSignal.abort(new Error('enough'))

  test('that was fired before ends every call that takes one', async () => {
    const store = await open()
    const session = await fill(store, 'a', ['1', '2'])
    const calls: Record<string, () => unknown> = {
      stream: () => session.stream({ signal: aborted }).next(),
      entries: () => session.entries({ signal: aborted }).next(),
      list: () => store.list({ signal: aborted }),
      search: () => store.search('1', { signal: aborted }),
      check: () => store.check({ signal: aborted }),
      rewriteAll: () => store.rewriteAll({ signal: aborted }),
      recover: () => store.recover({ signal: aborted }),
      cleanup: () => store.cleanup({ maxSessions: 0, signal: aborted }),
    }
    for (const [name, call] of Object.entries(calls))
      await expect((async () => call())(), name).rejects.toThrow('enough')
    expect(await store.keys()).toEqual(['a'])
  })

  test('ends a cleanup between two sessions', async () => {
    let now = Date.UTC(2026, 0, 1)
    const store = await open(undefined, { now: () => now })
    for (const key of ['a', 'b', 'c']) await fill(store, key, ['x'])
    now += 1000
    const stop = new AbortController()
    const work = store.cleanup({ maxSessions: 0, signal: stop.signal })
    const watching = setInterval(async () => {
      if ((await store.trash()).length > 0) stop.abort(new Error('enough'))
    }, 1)
    await work.catch(() => {})
    clearInterval(watching)
    expect((await store.keys()).length + (await store.trash()).length).toBe(3)
  })
})
