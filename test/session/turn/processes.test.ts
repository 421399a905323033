/** Turns of several processes: killed in the middle, asked to stop by each other, blocked. */
import fs from 'node:fs'
import { expect, test } from 'vitest'
import { openStore, type SessionStore } from '../../../src/index.js'
import { ended, messageOf, start } from '../../helpers/child.js'
import { sleep, tempFolder } from '../../helpers/store.js'
import { caught, quietly } from './helpers.js'

const user = (content: string) => ({ role: 'user', content })
const bot = (content: string) => ({ role: 'assistant', content })
/** The long form of the last test: `TURN_KILLS=300 TURN_REFS=1000`. */
const KILLS = Number(process.env.TURN_KILLS ?? 12)
const REFS = Number(process.env.TURN_REFS ?? 120)

async function worker(dir: string) {
  const child = start('turn-worker.mjs', [dir])
  await messageOf(child)
  return child
}

async function stage() {
  const store = await openStore(tempFolder())
  return { store, session: store.session('ann'), child: await worker(store.dir) }
}

function linesOf(store: SessionStore): Array<Record<string, unknown>> {
  const text = fs.readFileSync(store.session('ann').path, 'utf8')
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line)]
    } catch {
      return []
    }
  })
}

async function waitFor(isSo: () => boolean, ms = 20_000): Promise<void> {
  const end = performance.now() + ms
  while (!isSo()) {
    if (performance.now() > end) throw new Error('it did not come to that')
    await sleep(20)
  }
}

const textsOf = (entries: ReadonlyArray<{ message: { content?: unknown } }>) =>
  entries.map(({ message }) => message.content)

test('ten messages that come into a turn whose process is killed wait for the next one, with what it left', async () => {
  const { store, session, child } = await stage()
  await session.receive(user('first'))
  child.send({ what: 'turn', draft: 'half an ans', say: 'let me see' })
  expect(await messageOf(child)).toEqual({ began: ['first'], attempt: 1 })
  for (let n = 0; n < 10; n++) await session.receive(user(`m${n}`), { ref: `r${n}` })
  // drafts are written once a second, unless another process holds the session then
  await waitFor(
    () => fs.existsSync(session.sidecarPath) && fs.readFileSync(session.sidecarPath, 'utf8').includes('half an ans'),
  )
  child.kill('SIGKILL')
  await ended(child)
  expect((await session.waiting()).length).toBe(11)
  expect((await session.receive(user('m3'), { ref: 'r3' })).state).toBe('waiting')
  const seen: string[] = []
  for await (const { key } of store.waiting()) seen.push(key)
  expect(seen).toEqual(['ann'])
  await session.turn(async (turn) => {
    expect(textsOf(turn.input)).toEqual(['first', ...Array.from({ length: 10 }, (_, n) => `m${n}`)])
    expect(turn.attempt).toBe(2)
    expect(turn.earlier.map(({ message }) => message)).toEqual([
      bot('let me see'),
      { role: 'assistant', content: 'half an ans', partial: true },
    ])
    await turn.answer(bot('all of it'))
  })
  expect(await session.waiting()).toEqual([])
  const note = linesOf(store).find(({ set }) => (set as { interrupted?: unknown })?.interrupted !== undefined)
  expect(note).toMatchObject({ set: { interrupted: { reason: 'owner-dead', attempts: 1, ids: [expect.any(String)] } } })
  const after: string[] = []
  for await (const { key } of store.waiting()) after.push(key)
  expect(after).toEqual([])
})

test('the draft of a turn stays in the sidecar when another process writes that', async () => {
  const { session, child } = await stage()
  await session.receive(user('first'))
  child.send({ what: 'turn', draft: 'half an ans' })
  await messageOf(child)
  const hasDraft = () =>
    fs.existsSync(session.sidecarPath) && fs.readFileSync(session.sidecarPath, 'utf8').includes('half an ans')
  await waitFor(hasDraft)
  // written behind, unless the other process has the lease at that moment
  const waiting = () => JSON.parse(fs.readFileSync(session.sidecarPath, 'utf8')).waiting
  for (let n = 0; waiting() < 2; n++) {
    await session.receive(user(`more ${n}`))
    await sleep(700)
  }
  expect(hasDraft()).toBe(true)
})

test('an attempt is counted each time a process dies over the same message', async () => {
  const { store, session } = await stage()
  await session.receive(user('crash'))
  for (let attempt = 1; attempt <= 3; attempt++) {
    const child = await worker(store.dir)
    child.send({ what: 'turn' })
    expect(await messageOf(child)).toEqual({ began: ['crash'], attempt })
    child.kill('SIGKILL')
    await ended(child)
  }
  expect(await session.turn((turn) => turn.attempt)).toBe(4)
})

test('a turn of another process is asked to stop within 1.5 s, and its partial text is kept', async () => {
  const { store, session, child } = await stage()
  const { id } = await session.receive(user('q'))
  child.send({ what: 'turn', draft: 'so far', id: 'far' })
  await messageOf(child)
  const began = performance.now()
  const told = messageOf(child)
  const aborted = session.abort({ turnId: 'far' })
  expect(await told).toEqual({ aborted: 'ERR_TURN_ABORTED' })
  expect(performance.now() - began).toBeLessThan(1_500)
  const failed = messageOf(child)
  expect(await aborted).toBe(true)
  expect(await failed).toEqual({ failed: 'ERR_TURN_ABORTED' })
  expect(linesOf(store).at(-1)).toMatchObject({ content: 'so far', partial: true, answers: [id] })
  expect(await session.waiting()).toEqual([])
})

test('no second turn begins while the event loop of the first is blocked', async () => {
  const { session, child } = await stage()
  await session.receive(user('q'))
  child.send({ what: 'block', ms: 3_000 })
  await messageOf(child)
  await sleep(200)
  expect(await caught(session.turn(() => 1, { timeout: 500 }))).toMatchObject({ code: 'ERR_TURN_RUNNING' })
  const next = session.turn((turn) => textsOf(turn.input))
  expect(await messageOf(child)).toEqual({ done: { done: true } })
  expect(await next).toEqual([])
})

test('a turn that waits begins when the process that runs another dies', async () => {
  const { session, child } = await stage()
  child.send({ what: 'turn' })
  await messageOf(child)
  const waiting = quietly(session.turn(user('after'), (turn) => textsOf(turn.input)))
  await sleep(200)
  child.kill('SIGKILL')
  expect(await waiting).toEqual(['after'])
})

test('a turn that was taken over by force writes nothing more', async () => {
  const { session, child } = await stage()
  await session.receive(user('q'))
  child.send({ what: 'turn', ms: 1_500 })
  await messageOf(child)
  const told = messageOf(child)
  await session.setState('running', 'mine')
  expect(await told).toEqual({ aborted: 'ERR_TURN_LOST' })
  expect(await messageOf(child)).toEqual({ failed: 'ERR_TURN_LOST' })
  expect(textsOf(await session.waiting())).toEqual(['q'])
  expect(await session.state()).toMatchObject({ state: 'running', turnId: 'mine' })
})

test(
  `two processes with the same ${REFS} references that are killed ${KILLS} times: one ending for each, none twice`,
  async () => {
    const dir = tempFolder()
    let kills = 0
    const one = async (seed: number) => {
      for (let round = 0; ; round++) {
        const child = await worker(dir)
        child.send({ what: 'serve', refs: REFS, seed: seed + round })
        const gone = ended(child, 300_000)
        const done = messageOf<{ done?: unknown; failed?: string }>(child, 300_000).catch(() => undefined)
        if (kills < KILLS) {
          await Promise.race([sleep(150 + Math.random() * 600), done])
          kills++
          child.kill('SIGKILL')
          await gone
          continue
        }
        const outcome = await done
        child.kill('SIGKILL')
        await gone
        expect(outcome).toMatchObject({ done: expect.anything() })
        return
      }
    }
    await Promise.all([one(1), one(1_000)])
    const store = await openStore(dir)
    const session = store.session('ann')
    expect(await session.waiting()).toEqual([])
    const lines = linesOf(store)
    const removed = new Set(lines.flatMap(({ type, ids }) => (type === 'remove' ? (ids as string[]) : [])))
    const live = lines.filter(({ id }) => !removed.has(id as string))
    const received = new Map<string, string[]>()
    for (const { received: ref, id } of live) {
      if (typeof ref === 'string') received.set(ref, [...(received.get(ref) ?? []), id as string])
    }
    expect(received.size).toBe(REFS)
    const endings = live.flatMap(({ type, answers, ids }) => (answers ?? (type === 'answered' ? ids : [])) as string[])
    expect(new Set(endings).size).toBe(endings.length)
    for (const [ref, ids] of received) expect(ids.filter((id) => endings.includes(id)).length, ref).toBe(ids.length)
    for (const ref of received.keys()) expect((await session.receive(user('again'), { ref })).state).toBe('answered')
  },
  300_000 + KILLS * 2_000,
)
