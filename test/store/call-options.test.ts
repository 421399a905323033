/** The options of single calls: what they do not know is refused, and a signal ends what takes long. */
import { getEventListeners } from 'node:events'
import { setImmediate as yieldToLoop } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { checkDrive, openStore, type Session, type SessionStore } from '../../src/index.js'
import { createViewer } from '../../src/viewer/index.js'
import { RemoteStore } from '../helpers/child.js'
import { contents, fill, message, open, openLeased, tempFolder } from '../helpers/store.js'

describe('an option that a call does not know', () => {
  test('is refused by every call that takes options, and nothing happens', async () => {
    const store = await open()
    const session = await fill(store, 'a', ['1', '2'])
    const wrong = { nonsense: 1 } as never
    const calls: Record<string, () => unknown> = {
      openStore: () => openStore(tempFolder(), wrong),
      messages: () => session.messages(wrong),
      entries: () => session.entries(wrong),
      stream: () => session.stream(wrong).next(),
      context: () => session.context(wrong),
      append: () => session.append(message('x'), wrong),
      receive: () => session.receive(message('x'), wrong),
      replace: () => session.replace('x', message('x'), wrong),
      remove: () => session.remove('x', wrong),
      removeLast: () => session.removeLast(wrong),
      pop: () => session.pop(wrong),
      change: () => session.change(wrong, () => ({ result: 1 })),
      clear: () => session.clear(wrong),
      trim: () => session.trim({ keep: 1, ...(wrong as object) }),
      rewind: () => session.rewind({ keep: 1 }, wrong),
      restore: () => session.restore('x', wrong),
      abort: () => session.abort(wrong),
      setName: () => session.setName('x', wrong),
      tag: () => session.tag(['x'], wrong),
      untag: () => session.untag(['x'], wrong),
      setMetadata: () => session.setMetadata('x', 1, wrong),
      getValue: () => session.getValue('x', wrong),
      setValue: () => session.setValue('x', 1, wrong),
      setValues: () => session.setValues([['x', 1]], wrong),
      'a value': () => session.setValues([['x', 1, wrong]]),
      deleteValue: () => session.deleteValue('x', wrong),
      updateValue: () => session.updateValue('x', () => 1, wrong),
      values: () => session.values(wrong).next(),
      setState: () => session.setState('running', 't', wrong),
      turn: () => session.turn(() => 1, wrong),
      turnContext: () => session.turn((turn) => turn.context(wrong)),
      rewrite: () => session.rewrite(wrong),
      merge: () => session.merge(session.path, wrong),
      trash: () => session.trash(wrong),
      delete: () => session.delete(wrong),
      keys: () => store.keys(wrong),
      list: () => store.list(wrong),
      search: () => store.search('x', wrong),
      check: () => store.check(wrong),
      rewriteAll: () => store.rewriteAll(wrong),
      watch: () => store.watch(wrong),
      recover: () => store.recover(wrong),
      cleanup: () => store.cleanup({ olderThan: 1, ...(wrong as object) }),
      purgeTrash: () => store.purgeTrash({ olderThan: 1, ...(wrong as object) }),
      restoreSession: () => store.restore('x', wrong),
      fork: () => store.fork('a', wrong),
      mergeFile: () => store.merge('/nowhere', wrong),
      takeBack: () => store.takeBack('x', wrong),
      hold: () => store.hold(() => 1, wrong),
      stats: () => session.stats(wrong),
      checkDrive: () => checkDrive(store.dir, wrong),
      createViewer: () => createViewer(store, { hosts: ['x'], ...(wrong as object) }),
    }
    for (const [name, call] of Object.entries(calls))
      await expect((async () => call())(), name).rejects.toThrow(/ knows no option nonsense$/)
    expect(await store.keys()).toEqual(['a'])
    expect(await session.messages()).toMatchObject([{ content: '1' }, { content: '2' }])
    expect((await session.state())?.state).toBe('error')
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
      stats: () => session.stats({ signal: aborted }),
      takeBack: () => store.takeBack('x', { signal: aborted }),
      search: () => store.search('1', { signal: aborted }),
      check: () => store.check({ signal: aborted }),
      rewriteAll: () => store.rewriteAll({ signal: aborted }),
      recover: () => store.recover({ signal: aborted }),
      cleanup: () => store.cleanup({ maxSessions: 0, signal: aborted }),
      purgeTrash: () => store.purgeTrash({ olderThan: 0, signal: aborted }),
      ...writesOf(store, session, aborted),
    }
    await session.trash()
    await fill(store, 'a', ['1', '2'])
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

/** Every call that may wait for the lease of the session `a`. */
function writesOf(store: SessionStore, session: Session, signal: AbortSignal): Record<string, () => unknown> {
  return {
    append: () => session.append(message('x'), { signal }),
    appendOnce: () => session.append({ ...message('x'), id: 'own' }, { once: true, signal }),
    receive: () => session.receive(message('x'), { signal }),
    replace: () => session.replace('x', message('x'), { signal }),
    remove: () => session.remove('x', { signal }),
    removeLast: () => session.removeLast({ signal }),
    pop: () => session.pop({ signal }),
    change: () => session.change({ signal }, () => ({ result: 1 })),
    clear: () => session.clear({ signal }),
    trim: () => session.trim({ keep: 1, signal }),
    rewind: () => session.rewind({ keep: 1 }, { signal }),
    restore: () => session.restore('x', { signal }),
    setName: () => session.setName('x', { signal }),
    tag: () => session.tag(['x'], { signal }),
    untag: () => session.untag(['x'], { signal }),
    setMetadata: () => session.setMetadata('x', 1, { signal }),
    setValue: () => session.setValue('x', 1, { signal }),
    setIfAbsent: () => session.setValue('x', 1, { ifAbsent: true, signal }),
    setValues: () => session.setValues([['x', 1]], { signal }),
    deleteValue: () => session.deleteValue('x', { signal }),
    updateValue: () => session.updateValue('x', () => 1, { signal }),
    mergeFile: () => store.merge(session.sidecarPath, { into: 'a', signal }),
    hold: () => store.hold(() => {}, { signal }),
    rewrite: () => session.rewrite({ signal }),
    merge: () => session.merge(session.path, { signal }),
    trash: () => session.trash({ signal }),
    delete: () => session.delete({ signal }),
    forkTo: () => store.fork('b', { as: 'a', signal }),
  }
}

describe('while another process holds the lease', () => {
  test('a signal ends the waiting of every call, and nothing is written', async () => {
    const folder = tempFolder()
    const store = await openLeased(folder, { lockTimeout: 60_000 })
    const session = await fill(store, 'a', ['1', '2'])
    await fill(store, 'b', ['x'])
    const trashed = await store.session('a').trash()
    await fill(store, 'a', ['1', '2'])
    const holder = await holding(folder, 'a')
    const before = await contents(session)
    const stop = new AbortController()
    const calls = {
      ...writesOf(store, session, stop.signal),
      restoreSession: () => store.restore(trashed as string, { signal: stop.signal }),
      cleanup: () => store.cleanup({ maxSessions: 0, signal: stop.signal }),
      rewriteAll: () => store.rewriteAll({ signal: stop.signal }),
    }
    const done = Object.entries(calls).map(async ([name, call]) => {
      await expect((async () => call())(), name).rejects.toThrow('enough')
    })
    setTimeout(() => stop.abort(new Error('enough')), 100)
    await Promise.all(done)
    holder.kill('SIGCONT')
    expect(await contents(session)).toEqual(before)
    await session.append(message('3'))
    expect(await contents(session)).toEqual([...before, '3'])
  })

  test('one signal serves any number of calls at once, without a warning', async () => {
    const warnings: Error[] = []
    const note = (warning: Error) => warnings.push(warning)
    process.on('warning', note)
    onTestFinished(() => void process.off('warning', note))
    const store = await open()
    const stop = new AbortController()
    const calls = Array.from({ length: 50 }, (_, i) => {
      const session = store.session(`s${i}`)
      const turn = session.turn(message('hi'), async () => {}, { signal: stop.signal })
      return [turn, session.append(message('x'), { signal: stop.signal }), store.list({ signal: stop.signal })]
    })
    await Promise.all(calls.flat())
    await yieldToLoop()
    expect(warnings).toEqual([])
    expect(getEventListeners(stop.signal, 'abort')).toEqual([])
  })

  test('the error names the session and the lease', async () => {
    const folder = tempFolder()
    const store = await openLeased(folder, { lockTimeout: 50 })
    const session = await fill(store, 'a b', ['1'])
    const holder = await holding(folder, 'a b')
    const error = await session.append(message('2')).catch((error: unknown) => error)
    expect(error).toMatchObject({
      code: 'ERR_LOCKED',
      message: 'another process holds the lease of the session "a b"',
      details: { key: 'a b', lock: expect.stringContaining('.locks') },
    })
    holder.kill('SIGCONT')
  })
})

/** Another process that has the lease of a session, and is stopped. */
async function holding(folder: string, key: string): Promise<RemoteStore> {
  const holder = await RemoteStore.openLeased(folder)
  await holder.append(key, 'theirs')
  holder.kill('SIGSTOP')
  return holder
}
