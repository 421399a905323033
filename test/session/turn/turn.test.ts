/** Turns of one process: what is written, what waits, and how a turn ends. */
import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { openStore, type Session } from '../../../src/index.js'
import { filesOpened } from '../../helpers/file-calls.js'
import { open } from '../../helpers/store.js'
import { beginning, caught, makeStore, quietly } from './helpers.js'

const user = (content: string) => ({ role: 'user', content })
const bot = (content: string) => ({ role: 'assistant', content })

function linesOf(session: Session): Array<Record<string, unknown>> {
  const text = fs.readFileSync(session.path, 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

const textsOf = (messages: ReadonlyArray<{ content?: unknown }>) => messages.map(({ content }) => content)
const waitingIn = async (session: Session) => (await session.waiting()).map(({ message }) => message.content)

describe('receive', () => {
  test('writes a message that waits, once for each reference', async () => {
    const { session } = await makeStore()
    const first = await session.receive(user('hi'), { ref: 'tg:1' })
    expect(first).toEqual({ ref: 'tg:1', id: expect.any(String), state: 'new' })
    const size = fs.statSync(session.path).size
    expect(await session.receive(user('hi'), { ref: 'tg:1' })).toEqual({ ...first, state: 'waiting' })
    expect(fs.statSync(session.path).size).toBe(size)
    expect(linesOf(session).at(-1)).toMatchObject({ role: 'user', content: 'hi', received: 'tg:1' })
    expect(await session.messages()).toMatchObject([{ role: 'user', content: 'hi' }])
    expect((await session.messages())[0]).not.toHaveProperty('received')
    expect(await session.waiting()).toEqual([{ id: first.id, at: expect.any(Date), message: user('hi') }])
  })

  test('makes a reference where none is given', async () => {
    const { session } = await makeStore()
    const [a, b] = [await session.receive(user('a')), await session.receive(user('a'))]
    expect(a.ref).not.toBe(b.ref)
    expect(await waitingIn(session)).toEqual(['a', 'a'])
  })

  test('at once with the same reference writes one line', async () => {
    const { session } = await makeStore()
    const all = await Promise.all(Array.from({ length: 20 }, () => session.receive(user('hi'), { ref: 'r' })))
    expect(new Set(all.map(({ id }) => id)).size).toBe(1)
    expect(all.filter(({ state }) => state === 'new').length).toBe(1)
    expect(await waitingIn(session)).toEqual(['hi'])
  })

  test('knows a reference in another store, after a restart, a rewrite and a purge', async () => {
    const { store, session } = await makeStore()
    const { id } = await session.receive(user('hi'), { ref: 'r' })
    const other = await openStore(store.dir)
    expect(await other.session('ann').receive(user('hi'), { ref: 'r' })).toEqual({ ref: 'r', id, state: 'waiting' })
    await session.turn(async (turn) => void (await turn.answer(bot('hello'))))
    expect((await other.session('ann').receive(user('hi'), { ref: 'r' })).state).toBe('answered')
    await other.close()
    const { JsonlPersistence } = await import('../../../src/contracts/persistence/index.js')
    const persistence = new JsonlPersistence(store)
    await persistence.compactSession('ann', 'they greeted', 0)
    await persistence.purgeCompacted(0)
    expect(linesOf(session).filter(({ received }) => received !== undefined)).toEqual([])
    expect(await session.receive(user('hi'), { ref: 'r' })).toEqual({ ref: 'r', id, state: 'answered' })
    await store.close()
    const again = await openStore(store.dir)
    expect((await again.session('ann').receive(user('hi'), { ref: 'r' })).state).toBe('answered')
    await again.close()
  })

  test('knows a reference after the session was cleared', async () => {
    const { store, session } = await makeStore()
    const { id } = await session.receive(user('hi'), { ref: 'r' })
    await session.turn(async (turn) => void (await turn.answer(bot('hello'))))
    await session.receive(user('still there?'), { ref: 's' })
    expect(await session.clear()).toBe(3)
    expect(await session.receive(user('hi'), { ref: 'r' })).toEqual({ ref: 'r', id, state: 'answered' })
    const other = await openStore(store.dir)
    expect(await other.session('ann').turn(user('still there?'), () => 'again', { ref: 's' })).toBeUndefined()
    expect(await session.messages()).toEqual([])
    await other.close()
  })

  test('forgets a reference with its message', async () => {
    const { session } = await makeStore()
    const { id } = await session.receive(user('hi'), { ref: 'r' })
    await session.remove(id)
    expect((await session.receive(user('hi'), { ref: 'r' })).state).toBe('new')
    expect(await waitingIn(session)).toEqual(['hi'])
  })

  test('refuses what is no message, or no reference', async () => {
    const { session } = await makeStore()
    expect(await caught(session.receive('hi' as never))).toBeInstanceOf(TypeError)
    expect(await caught(session.receive(user('hi'), { ref: 5 as never }))).toBeInstanceOf(TypeError)
    expect(fs.existsSync(session.path)).toBe(false)
  })
})

describe('a turn', () => {
  test('gets all that waits, and answers it in one line', async () => {
    const { session } = await makeStore()
    const ids = [(await session.receive(user('a'))).id, (await session.receive(user('b'))).id]
    const reply = await session.turn(async (turn) => {
      expect(turn.input.map(({ message }) => message)).toEqual([user('a'), user('b')])
      expect([turn.attempt, turn.earlier]).toEqual([1, []])
      expect((await session.info())?.state).toBe('running')
      expect((await session.info())?.turnId).toBe(turn.id)
      await turn.answer(bot('both'))
      return 'sent'
    })
    expect(reply).toBe('sent')
    expect(await waitingIn(session)).toEqual([])
    expect(linesOf(session).at(-1)).toMatchObject({ role: 'assistant', content: 'both', answers: ids })
    expect((await session.info())?.state).toBe('idle')
  })

  test('on a long log without references lets timers run while it reads them', async () => {
    const { session } = await makeStore()
    const text = 'x'.repeat(400)
    await session.append(Array.from({ length: 20_000 }, () => user(text)))
    await session.receive(user('q'))
    let ticks = 0
    let isOver = false
    const tick = () => {
      ticks++
      if (!isOver) setImmediate(tick)
    }
    const waiting = session.waiting()
    setImmediate(tick)
    expect(await waiting).toMatchObject([{ message: user('q') }])
    isOver = true
    expect(ticks).toBeGreaterThan(2)
  })

  test('that ends without an answer says so', async () => {
    const { session } = await makeStore()
    const { id } = await session.receive(user('a'))
    await session.turn(async (turn) => void (await turn.append(bot('first'))))
    expect(linesOf(session).at(-1)).toMatchObject({ type: 'answered', ids: [id] })
    expect(await waitingIn(session)).toEqual([])
  })

  test('in which nothing waits writes what its function writes, and no more', async () => {
    const { session } = await makeStore()
    const answer = await session.turn(async (turn) => {
      await turn.append(user('hi'))
      await turn.append([bot('hello'), bot('again')])
      return textsOf(await turn.context({ last: 2 }))
    })
    expect(answer).toEqual(['hello', 'again'])
    expect(linesOf(session).map(({ content }) => content)).toEqual([undefined, 'hi', 'hello', 'again'])
    expect(linesOf(session).some(({ type }) => type === 'answered')).toBe(false)
  })

  test('of a message that is answered is not run', async () => {
    const { session } = await makeStore()
    const fn = async (turn: Parameters<Parameters<Session['turn']>[1] & object>[0]) => turn.answer(bot('hello'))
    expect(await session.turn(user('hi'), fn, { ref: 'r' })).toEqual(expect.any(String))
    expect(await session.turn(user('hi'), fn, { ref: 'r' })).toBeUndefined()
    expect(linesOf(session).length).toBe(3)
  })

  test('comes one after the other in call order; a message that the one before answers has no turn of its own', async () => {
    const { session } = await makeStore()
    const order: string[] = []
    const run = (name: string) =>
      session.turn(user(name), async (turn) => {
        order.push(...turn.input.map(({ message }) => String(message.content)))
        await new Promise((resolve) => setTimeout(resolve, 20))
        await turn.answer(bot(name))
        return name
      })
    const results = await Promise.all([run('a'), run('b'), run('c')])
    expect(order).toEqual(['a', 'b', 'c'])
    expect(results.filter((result) => result !== undefined).length).toBeLessThanOrEqual(3)
    expect(await waitingIn(session)).toEqual([])
    const answers = linesOf(session).flatMap((line) => (line.answers as string[] | undefined) ?? [])
    expect(new Set(answers).size).toBe(3)
    expect(answers.length).toBe(3)
  })

  test('takes what came meanwhile', async () => {
    const { session } = await makeStore()
    const { id } = await session.receive(user('a'))
    await session.turn(async (turn) => {
      const later = await session.receive(user('b'))
      expect(textsOf(await turn.context())).toEqual(['a'])
      expect((await turn.take()).map((entry) => entry.id)).toEqual([later.id])
      expect(await turn.take()).toEqual([])
      expect(turn.input.map((entry) => entry.id)).toEqual([id, later.id])
      expect(textsOf(await turn.context())).toEqual(['a', 'b'])
      await turn.answer(bot('both'))
      const last = await session.receive(user('c'))
      await turn.take()
      expect(last.state).toBe('new')
    })
    expect(await waitingIn(session)).toEqual([])
    expect(linesOf(session).at(-1)).toMatchObject({ type: 'answered' })
  })

  test('leaves what it did not take to the next one, behind its answer', async () => {
    const { session } = await makeStore()
    await session.receive(user('a'))
    await session.turn(async (turn) => {
      await turn.append({ role: 'assistant', content: null, toolCalls: '[{"id":"x"}]' })
      await session.receive(user('b'))
      await turn.append({ role: 'tool', content: 'r', toolCallId: 'x' })
      await turn.answer(bot('done'))
    })
    expect(await waitingIn(session)).toEqual(['b'])
    expect(textsOf(await session.context())).toEqual(['a', null, 'r', 'done', 'b'])
    expect(textsOf(await session.messages())).toEqual(['a', null, 'b', 'r', 'done'])
    expect(textsOf(await session.context({ last: 2 }))).toEqual(['done', 'b'])
    expect(await session.context({ last: 0 })).toEqual([])
    expect((await session.context())[0]).toEqual(user('a'))
  })
})

describe('a turn that fails', () => {
  test.each([
    [
      'throws at once',
      () => {
        throw new Error('no')
      },
      'no',
    ],
    [
      'throws later',
      async () => {
        throw new Error('no')
      },
      'no',
    ],
  ])('because its function %s leaves the input waiting and its lines', async (_, fail, message) => {
    const { session } = await makeStore()
    await session.receive(user('a'))
    expect(await caught(session.turn(fail))).toMatchObject({ message })
    expect(await waitingIn(session)).toEqual(['a'])
    expect((await session.info())?.state).toBe('error')
    await session.turn((turn) => void turn.answer(bot('b')))
    expect(await waitingIn(session)).toEqual([])
  })

  test('by throwing undefined rejects with undefined', async () => {
    const { session } = await makeStore()
    await session.receive(user('a'))
    const outcome = await session
      .turn(() => Promise.reject(undefined))
      .then(
        () => 'resolved',
        (error: unknown) => ['rejected', error],
      )
    expect(outcome).toEqual(['rejected', undefined])
    expect(await waitingIn(session)).toEqual(['a'])
  })

  test('shows the next one what it left, with its draft', async () => {
    const { session } = await makeStore()
    await session.receive(user('a'))
    await caught(
      session.turn(async (turn) => {
        await turn.append({ role: 'assistant', content: null, toolCalls: '[{"id":"x"}]' })
        for (let n = 0; n < 10_000; n++) turn.draft(`half ${n}`)
        throw new Error('no')
      }),
    )
    await session.receive(user('b'))
    await session.turn(async (turn) => {
      expect(turn.input.map(({ message }) => message.content)).toEqual(['a', 'b'])
      expect(turn.earlier.map(({ message }) => message)).toEqual([
        { role: 'assistant', content: null, toolCalls: '[{"id":"x"}]' },
        { role: 'assistant', content: 'half 9999', partial: true },
      ])
      expect(textsOf(await turn.context())).toEqual([
        'a',
        null,
        expect.stringMatching(/outcome of this call is unknown/),
        'half 9999',
        'b',
      ])
      await turn.answer(bot('done'))
    })
    expect(linesOf(session).filter(({ partial }) => partial === true).length).toBe(1)
    await session.receive(user('c'))
    await session.turn((turn) => expect(turn.earlier).toEqual([]))
  })

  test('takes exactly its own lines back, beside those of others', async () => {
    const { session } = await makeStore()
    await session.append(user('before'))
    const waits = await session.receive(user('waits'))
    const failed = session.turn(
      user('mine'),
      async (turn) => {
        await turn.append(bot('one'))
        await session.append(bot('foreign'))
        await session.receive(user('other'))
        turn.draft('half')
        await turn.answer(bot('two'))
        throw new Error('no')
      },
      { ref: 'r', onError: 'takeBack' },
    )
    expect(await caught(failed)).toMatchObject({ message: 'no' })
    expect(textsOf(await session.messages())).toEqual(['before', 'waits', 'foreign', 'other'])
    expect(await waitingIn(session)).toEqual(['waits', 'other'])
    expect((await session.waiting())[0]?.id).toBe(waits.id)
    expect((await session.receive(user('mine'), { ref: 'r' })).state).toBe('new')
  })

  test('rejects its own call only: of two messages at once the second is answered, and the first waits', async () => {
    const { session } = await makeStore()
    const seen: unknown[][] = []
    const first = session.turn(user('first'), (turn) => {
      seen.push(turn.input.map(({ message }) => message.content))
      throw new Error('no')
    })
    const second = session.turn(user('second'), async (turn) => {
      seen.push(turn.input.map(({ message }) => message.content))
      await turn.answer(bot('fine'))
      return 'sent'
    })
    expect(await caught(first)).toMatchObject({ message: 'no' })
    expect(await second).toBe('sent')
    expect(seen[1]).toEqual(['second'])
    expect((await session.info())?.state).toBe('idle')
    expect(textsOf(await session.messages())).toEqual(['first', 'second', 'fine'])
    expect(await waitingIn(session)).toEqual(['first'])
    // whoever asks from now on is given all that waits
    await session.turn((turn) => {
      expect(textsOf(turn.input.map(({ message }) => message))).toEqual(['first'])
    })
    expect(await waitingIn(session)).toEqual([])
  })

  test('leaves its input to turns that are asked for later, not to those that take what comes meanwhile', async () => {
    const { session } = await makeStore()
    const first = session.turn(user('first'), () => Promise.reject(new Error('no')))
    const second = session.turn(user('second'), async (turn) => {
      await session.receive(user('third'))
      expect(textsOf((await turn.take()).map(({ message }) => message))).toEqual(['third'])
      expect(textsOf(await turn.context())).toEqual(['second', 'third'])
    })
    await caught(first)
    await second
    expect(await waitingIn(session)).toEqual(['first'])
    const again = session.turn(user('fourth'), (turn) => textsOf(turn.input.map(({ message }) => message)))
    expect(await again).toEqual(['first', 'fourth'])
  })
})

describe('abort', () => {
  test('keeps the partial text as the answer', async () => {
    const { session } = await makeStore()
    const { id } = await session.receive(user('a'))
    let reason: unknown
    const { begun, begin } = beginning()
    const running = quietly(
      session.turn(
        (turn) =>
          new Promise((_, reject) => {
            begin()
            turn.draft('so far')
            turn.signal.addEventListener('abort', () => {
              reason = turn.signal.reason
              reject(turn.signal.reason)
            })
          }),
      ),
    )
    await begun
    expect(await session.abort()).toBe(true)
    expect(await caught(running)).toMatchObject({ code: 'ERR_TURN_ABORTED' })
    expect(reason).toMatchObject({ code: 'ERR_TURN_ABORTED' })
    expect(linesOf(session).at(-1)).toMatchObject({ content: 'so far', partial: true, answers: [id] })
    expect((await session.info())?.state).toBe('idle')
    expect(await session.abort()).toBe(false)
  })

  test('ends a turn whose function never returns, and without a draft says that the input is answered', async () => {
    const { session } = await makeStore()
    const { id } = await session.receive(user('a'))
    const { begun, begin } = beginning()
    const running = quietly(session.turn(() => begin() ?? new Promise(() => {}), { id: 't1' }))
    await begun
    expect(await session.abort({ turnId: 'other' })).toBe(false)
    expect(await session.abort({ turnId: 't1', timeout: 5_000 })).toBe(true)
    expect(await caught(running)).toMatchObject({ code: 'ERR_TURN_ABORTED', details: { turnId: 't1' } })
    expect(linesOf(session).at(-1)).toMatchObject({ type: 'answered', ids: [id] })
  })

  test('by a signal leaves the input waiting', async () => {
    const { session } = await makeStore()
    await session.receive(user('a'))
    const controller = new AbortController()
    const { begun, begin } = beginning()
    const running = quietly(
      session.turn(
        (turn) => {
          turn.draft('half')
          begin()
          return new Promise(() => {})
        },
        { signal: controller.signal },
      ),
    )
    await begun
    controller.abort(new Error('enough'))
    expect(await caught(running)).toMatchObject({ message: 'enough' })
    expect(await waitingIn(session)).toEqual(['a'])
    expect(linesOf(session).at(-1)).toMatchObject({ content: 'half', partial: true })
    expect((await session.info())?.state).toBe('error')
  })
})

describe('a turn', () => {
  test('that has ended writes nothing more', async () => {
    const { session } = await makeStore()
    const turn = await session.turn((given) => given)
    for (const work of [
      () => turn.append(bot('x')),
      () => turn.answer(bot('x')),
      () => turn.take(),
      () => turn.context(),
    ]) {
      expect(await caught(work())).toMatchObject({ code: 'ERR_TURN_ENDED' })
    }
    expect(() => turn.draft('x')).toThrow(expect.objectContaining({ code: 'ERR_TURN_ENDED' }))
  })

  test('inside a turn of the same session is refused, of another one is not', async () => {
    const { store, session } = await makeStore()
    const codes = await session.turn(async () => {
      const inner = await caught(session.turn(() => 1))
      const deeper = await store.session('bob').turn(() => caught(session.turn(() => 1)))
      return [inner, deeper].map((error) => (error as { code: string }).code)
    })
    expect(codes).toEqual(['ERR_TURN_NESTED', 'ERR_TURN_NESTED'])
  })

  test('may be asked for by what another one left running behind it', async () => {
    const { session } = await makeStore()
    let later: Promise<unknown> = Promise.resolve()
    await session.turn(() => {
      later = new Promise((resolve) => setTimeout(resolve, 20)).then(() => session.turn(() => 'later'))
    })
    expect(await later).toBe('later')
  })

  test('waits for a running one as long as it may, and its message stays', async () => {
    const { session } = await makeStore()
    let finish = () => {}
    const { begun, begin } = beginning()
    const running = session.turn(() => {
      begin()
      return new Promise<void>((resolve) => {
        finish = resolve
      })
    })
    await begun
    expect(await caught(session.turn(() => 1, { timeout: 0 }))).toMatchObject({ code: 'ERR_TURN_RUNNING' })
    expect(await caught(session.turn(user('b'), () => 1, { timeout: 30 }))).toMatchObject({ code: 'ERR_TURN_RUNNING' })
    const waits = session.turn((turn) => turn.input.map(({ message }) => message.content))
    finish()
    await running
    expect(await waits).toEqual(['b'])
  })

  test('ends when the store closes, which a turn may do itself', async () => {
    const { store, session } = await makeStore()
    await session.receive(user('a'))
    const outcome = caught(
      session.turn(async (turn) => {
        turn.draft('half')
        await store.close()
      }),
    )
    expect(await outcome).toMatchObject({ code: 'ERR_CLOSED' })
    const again = await openStore(store.dir)
    expect(await waitingIn(again.session('ann'))).toEqual(['a'])
    expect((await again.session('ann').info())?.state).toBe('idle')
    expect(linesOf(session).at(-1)).toMatchObject({ content: 'half', partial: true })
    await again.close()
  })

  test('that another process took over writes nothing more', async () => {
    const { session } = await makeStore()
    await session.receive(user('a'))
    const outcome = await caught(
      session.turn(async (turn) => {
        await session.setState('running', 'another')
        const codes = [await caught(turn.append(bot('x'))), await caught(turn.answer(bot('x')))]
        expect(codes.map((error) => (error as { code: string }).code)).toEqual(['ERR_TURN_LOST', 'ERR_TURN_LOST'])
        expect(turn.signal.aborted).toBe(true)
      }),
    )
    expect(outcome).toMatchObject({ code: 'ERR_TURN_LOST' })
    expect(await waitingIn(session)).toEqual(['a'])
    expect((await session.info())?.turnId).toBe('another')
  })

  test('refuses wrong options', async () => {
    const { session } = await makeStore()
    const wrong: unknown[] = [
      { timeout: -1 },
      { timeout: 'x' },
      { id: 5 },
      { onError: 'x' },
      { signal: {} },
      { ref: 'r' },
      5,
    ]
    for (const options of wrong) {
      const error = await caught(session.turn(() => 1, options as never))
      expect(error instanceof TypeError || error instanceof RangeError).toBe(true)
    }
    expect(await caught(session.turn(user('a'), undefined as never))).toBeInstanceOf(TypeError)
    expect(fs.existsSync(session.path)).toBe(false)
  })
})

describe('what waits', () => {
  test('waits again when its answer is taken back, by whatever verb', async () => {
    const { store, session } = await makeStore()
    const answer = () => session.turn(async (turn) => void (await turn.answer(bot('a'))))
    const { id } = await session.receive(user('q'))
    await answer()
    expect(await session.removeLast()).toBe(true)
    expect(await waitingIn(session)).toEqual(['q'])
    await answer()
    await session.rewind({ to: id })
    expect(await waitingIn(session)).toEqual(['q'])
    await answer()
    const last = (await session.messages()).at(-1)
    await session.remove(String(last?.id))
    expect(await waitingIn(session)).toEqual(['q'])
    const other = await openStore(store.dir)
    expect(await waitingIn(other.session('ann'))).toEqual(['q'])
    await other.close()
  })

  test('does not wait in a fork, nor as a message that was brought back', async () => {
    const { store, session } = await makeStore()
    await session.receive(user('a'), { ref: 'r' })
    const copy = await store.fork('ann')
    expect(await waitingIn(copy)).toEqual([])
    expect(textsOf(await copy.context())).toEqual(['a'])
    expect(await waitingIn(session)).toEqual(['a'])
    await session.removeLast()
    const [removed] = await session.removed()
    await session.restore(String(removed?.id))
    expect(await waitingIn(session)).toEqual([])
    expect(textsOf(await session.messages())).toEqual(['a'])
  })

  test('is kept by a compaction', async () => {
    const { store, session } = await makeStore()
    await session.receive(user('waits'))
    await session.append([user('b'), bot('c'), user('d')])
    const { JsonlPersistence } = await import('../../../src/contracts/persistence/index.js')
    const persistence = new JsonlPersistence(store)
    expect(await persistence.compactSession('ann', 'sum', 1)).toBe(2)
    expect(textsOf(await persistence.loadContext('ann'))).toEqual(['sum', 'waits', 'd'])
    expect(await persistence.purgeCompacted(0)).toBe(2)
    expect(await waitingIn(session)).toEqual(['waits'])
    expect(await session.context()).toEqual([{ role: 'system', content: 'sum' }, user('waits'), user('d')])
  })

  test('stays answered where a purge takes the answer, which a union of lines put before a compaction', async () => {
    const { store, session } = await makeStore()
    await session.receive(user('q'), { ref: 'r' })
    const base = fs.readFileSync(session.path)
    const elsewhere = await open()
    fs.writeFileSync(elsewhere.session('ann').path, base)
    await elsewhere.session('ann').turn(async (turn) => void (await turn.answer(bot('a'))))
    const theirs = fs.readFileSync(elsewhere.session('ann').path).subarray(base.length)
    await session.append([user('b'), bot('c'), user('d')])
    const { JsonlPersistence } = await import('../../../src/contracts/persistence/index.js')
    await new JsonlPersistence(store).compactSession('ann', 'sum', 1)
    const ours = fs.readFileSync(session.path).subarray(base.length)

    const union = await open()
    const merged = union.session('ann')
    fs.writeFileSync(merged.path, Buffer.concat([base, theirs, ours]))
    const persistence = new JsonlPersistence(union)
    expect(await waitingIn(merged)).toEqual([])
    expect(await persistence.purgeCompacted(0)).toBe(3)
    expect(await persistence.compactedStats()).toMatchObject({ messageCount: 0 })
    expect(await waitingIn(merged)).toEqual([])
    expect(textsOf(await merged.messages())).toEqual(['q', 'd'])
    await merged.merge(elsewhere.session('ann').path)
    expect(await waitingIn(merged)).toEqual([])
    expect(await merged.check()).toMatchObject({ contradictions: [], damage: [] })
  })

  test('is reported by the store at the cost of a list', async () => {
    const { store } = await makeStore()
    for (let n = 0; n < 50; n++) {
      const session = store.session(`s${n}`)
      if (n % 10 === 0) await session.receive(user('q'))
      else await session.append(user('q'))
    }
    await store.close()
    const again = await openStore(store.dir)
    const keys: string[] = []
    const opened = await filesOpened(async () => {
      for await (const { key } of again.waiting()) keys.push(key)
    })
    expect(keys.sort()).toEqual(['s0', 's10', 's20', 's30', 's40'])
    await again.close()
    const third = await openStore(store.dir)
    expect(opened).toBeLessThanOrEqual(await filesOpened(() => third.list()))
    await third.close()
  })

  test('that was answered by two turns is reported by a check', async () => {
    const { store, session } = await makeStore()
    const { id } = await session.receive(user('q'))
    await session.turn(async (turn) => void (await turn.answer(bot('one'))))
    const line = JSON.stringify({ role: 'assistant', content: 'two', answers: [id] })
    fs.appendFileSync(session.path, `${line}\n`)
    const { checkSession } = await import('../../../src/check/session.js')
    const { internalsOf } = await import('../../../src/store/store.js')
    const checked = await checkSession(internalsOf(store).log('ann'))
    expect(checked?.findings.map(({ kind, line: number }) => [kind, number])).toEqual([['answered-twice', 4]])
  })
})
