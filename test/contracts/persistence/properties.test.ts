/** Laws of the contract on random histories, through the public class. */
import fs from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  JsonlPersistence,
  type Message,
  type Persistence,
  type SessionId,
} from '../../../src/contracts/persistence/index.js'
import { openStore } from '../../../src/index.js'
import { answers, loseSidecars } from '../../conformance/persistence/scene.js'
import { tempFolder } from '../../helpers/store.js'
import { conversation, history, type Stage, type Step, take } from './histories.js'
import { archivedBy, hasPending, shownOf } from './model.js'

/** Random histories per property; `LAW_RUNS=5000` is the long form. */
const RUNS = Number(process.env.LAW_RUNS ?? 60)
const SEED = Number(process.env.LAW_SEED ?? 20261125)
const TIMEOUT = 30 * 60 * 1000

/** Takes the steps in a new session, then checks what holds. */
async function holds(
  steps: fc.Arbitrary<Step[]>,
  law: (stage: Stage, steps: Step[]) => Promise<void>,
  runs = RUNS,
): Promise<void> {
  const dir = tempFolder()
  const clock = { ms: Date.UTC(2026, 0, 1) }
  const store = await openStore(dir, { now: () => clock.ms })
  const persistence = new JsonlPersistence(store)
  try {
    await fc.assert(
      fc.asyncProperty(steps, async (given) => {
        const id = await persistence.createSession('main', '/p')
        const add = (line: object) => fs.appendFileSync(store.session(id).path, `${JSON.stringify(line)}\n`)
        await law({ store, persistence, id, clock, add }, given)
        await persistence.deleteSession(id)
      }),
      { seed: SEED, numRuns: runs },
    )
  } finally {
    await store.close()
  }
}

async function takeAll(stage: Stage, steps: readonly Step[]): Promise<void> {
  for (const step of steps) await take(stage, step)
}

/** Without the summary. */
async function shownIn(persistence: Persistence, id: SessionId): Promise<Message[]> {
  return (await persistence.loadContext(id)).filter(({ kind }) => kind === undefined)
}

const idsOf = (messages: readonly Message[]) => messages.map(({ id }) => id)

/** `part` without results comes in the order of `whole`, and nothing comes twice. */
function expectSubsequence(part: readonly Message[], whole: readonly Message[]): void {
  const places = part.map((message) => whole.findIndex(({ id }) => id === message.id))
  expect(new Set(places).size).toBe(part.length)
  expect(places.map((place) => whole[place])).toEqual(part)
  const others = places.filter((_, i) => part[i]?.role !== 'tool')
  expect(others).toEqual([...others].sort((a, b) => a - b))
}

/**
 * What providers ask for: the results of a call directly behind the message that makes it, in the order of its calls,
 * none else anywhere; every call answered, but for those of the last group while nobody has said anything since.
 */
function expectNoBrokenCalls(messages: readonly Message[], pending: boolean): void {
  let results = 0
  messages.forEach((message, place) => {
    if (message.role !== 'assistant' || message.toolCalls === null) return
    const calls = [...new Set(callsIn(message.toolCalls))]
    const behind = messages.slice(place + 1).findIndex(({ role }) => role !== 'tool')
    const given = messages.slice(place + 1, behind === -1 ? messages.length : place + 1 + behind)
    const answered = given.map(({ toolCallId }) => toolCallId ?? '')
    expect(answered).toEqual(calls.filter((call) => answered.includes(call)))
    results += given.length
    if (answered.length === calls.length) return
    expect(pending).toBe(true)
    const later = messages.slice(place + 1)
    const isNext = ({ role, toolCalls }: Message) => role === 'assistant' && callsIn(toolCalls ?? '').length > 0
    expect(later.some((each) => each.role === 'user' || isNext(each))).toBe(false)
  })
  expect(messages.filter(({ role }) => role === 'tool').length).toBe(results)
}

/** Ids of the messages that compactions in a log cover, read line by line. */
function archivedIn({ store, id }: Stage): Set<string> {
  const lines = fs
    .readFileSync(store.session(id).path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { id: string; type?: string; through?: string; keep?: string[]; ids?: string[] })
  const removed = new Set(lines.flatMap(({ type, ids }) => (type === 'remove' ? (ids ?? []) : [])))
  const gone = new Set<string>()
  for (const { id, type, through, keep } of lines) {
    if (type !== 'compaction' || removed.has(id)) continue
    const end = lines.findIndex((line) => line.type === undefined && line.id === through)
    for (const line of lines.slice(0, end + 1)) if (!keep?.includes(line.id)) gone.add(line.id)
  }
  return gone
}

function callsIn(toolCalls: string): string[] {
  try {
    const list = JSON.parse(toolCalls)
    return Array.isArray(list) ? list.map((call) => call?.id).filter((id) => typeof id === 'string') : []
  } catch {
    return []
  }
}

describe('what the model sees', { timeout: TIMEOUT }, () => {
  test('is what the contract specifies, message by message', async () => {
    await holds(conversation, async (stage, steps) => {
      const { persistence, id } = stage
      for (const step of steps) {
        await take(stage, step)
        const all = await persistence.loadAllMessages(id)
        expect(await persistence.loadContext(id)).toEqual(shownOf(all))
        expect(await persistence.hasPendingToolCalls(id)).toBe(hasPending(all))
      }
    })
  })

  test('holds no broken calls, and is a part of all messages in their order', async () => {
    await holds(history, async (stage, steps) => {
      const { persistence, id } = stage
      await takeAll(stage, steps)
      const shown = await shownIn(persistence, id)
      expectNoBrokenCalls(shown, await persistence.hasPendingToolCalls(id))
      expectSubsequence(shown, await persistence.loadAllMessages(id))
    })
  })

  test('is not pruned further when it is stored again', async () => {
    await holds(history, async (stage, steps) => {
      const { persistence, id } = stage
      await takeAll(stage, steps)
      const shown = await shownIn(persistence, id)
      const copy = await persistence.createSession('main', '/p')
      for (const { role, content, toolCalls, toolCallId } of shown) {
        await persistence.insertMessage(copy, { role: role as 'user', content, toolCalls, toolCallId })
      }
      const essence = ({ role, content, toolCalls, toolCallId }: Message) => [role, content, toolCalls, toolCallId]
      expect((await persistence.loadContext(copy)).map(essence)).toEqual(shown.map(essence))
      expect(await persistence.hasPendingToolCalls(copy)).toBe(await persistence.hasPendingToolCalls(id))
      await persistence.deleteSession(copy)
    })
  })
})

describe('compaction', { timeout: TIMEOUT }, () => {
  test('archives as many as the contract says, and leaves the end of what was shown as it was', async () => {
    await holds(history, async (stage, steps) => {
      const { persistence, id } = stage
      for (const step of steps) {
        if (step.do !== 'compact') {
          await take(stage, step)
          continue
        }
        const all = await persistence.loadAllMessages(id)
        const gone = archivedIn(stage)
        const active = all.filter((message) => !gone.has(message.id))
        expect((await persistence.compactedStats()).messageCount).toBe(all.length - active.length)
        const before = await persistence.loadContext(id)
        expect(before.filter(({ kind }) => kind === undefined)).toEqual(shownOf(active))
        const archived = await take(stage, step)
        expect(archived).toBe(archivedBy(active, step.keep).length)
        const after = await persistence.loadContext(id)
        if (archived === 0) expect(after).toEqual(before)
        else {
          const [summary, ...kept] = after
          expect(summary?.kind).toBe('summary')
          expect(kept.length).toBeGreaterThanOrEqual(step.keep)
          expect(kept).toEqual(kept.length === 0 ? [] : before.slice(-kept.length))
          expect(await persistence.hasPendingToolCalls(id)).toBe(hasPending(active))
        }
        expect(await persistence.loadAllMessages(id)).toEqual(all)
      }
    })
  })

  test('and purge, in any order, change no totals and nothing that is kept', async () => {
    const work = fc.constantFrom<Step>(
      { do: 'compact', keep: 0 },
      { do: 'compact', keep: 2 },
      { do: 'compact', keep: 5 },
      { do: 'purge', days: 0 },
      { do: 'purge', days: 1 },
      { do: 'wait', ms: 86_400_001 },
      { do: 'rewrite' },
    )
    const both = fc.tuple(history, fc.array(work, { minLength: 1, maxLength: 6 }))
    await holds(
      both.map(([first, then]) => [...first, ...then.map((step): Step => step)]),
      async (stage, steps) => {
        const { persistence, id } = stage
        for (const step of steps) {
          const totals = [await persistence.sessionTokenUsage(id), await persistence.sessionUsageByAgent(id)]
          const before = await persistence.loadContext(id)
          const count = await take(stage, step)
          if (step.do === 'insert') continue
          expect([await persistence.sessionTokenUsage(id), await persistence.sessionUsageByAgent(id)]).toEqual(totals)
          if (step.do !== 'purge' && step.do !== 'rewrite') continue
          expect(await persistence.loadContext(id)).toEqual(before)
          if (step.do === 'purge' && step.days === 0) expect(await persistence.purgeCompacted(0)).toBe(0)
          expect(count).toBeGreaterThanOrEqual(0)
        }
      },
    )
  })
})

describe('every answer', { timeout: TIMEOUT }, () => {
  test('adds up', async () => {
    await holds(history, async (stage, steps) => {
      const { persistence, id } = stage
      await takeAll(stage, steps)
      const total = await persistence.sessionTokenUsage(id)
      const rows = await persistence.sessionUsageByAgent(id)
      for (const counter of Object.keys(total) as Array<keyof typeof total>) {
        expect(rows.reduce((sum, [, usage]) => sum + usage[counter], 0)).toBe(total[counter])
      }
      const all = await persistence.loadAllMessages(id)
      const [info] = await persistence.listSessions(1, '/p')
      expect([info?.messageCount, info?.totalTokens]).toEqual([all.length, total.promptTokens + total.completionTokens])
      const textsOf = (wanted: string) => all.filter(({ role, content }) => role === wanted && content?.trim())
      expect(await persistence.lastUserMessage(id)).toBe(textsOf('user').at(-1)?.content ?? '')
      expect(await persistence.lastAssistantMessage(id)).toBe(textsOf('assistant').at(-1)?.content ?? '')
      const recent = textsOf('user').sort((a, b) => (a.at === b.at ? (a.id < b.id ? 1 : -1) : a.at < b.at ? 1 : -1))
      expect(await persistence.recentUserMessages(3)).toEqual(recent.slice(0, 3).map(({ content }) => content))
      expect(new Set(idsOf(all)).size).toBe(all.length)
    })
  })

  test('is the same after a rewrite, a restart and the loss of the sidecar', async () => {
    await holds(
      history,
      async (stage, steps) => {
        const { store, persistence, id, clock } = stage
        await takeAll(stage, steps)
        const before = await answers(persistence, [id])
        await store.session(id).rewrite()
        expect(await answers(persistence, [id])).toEqual(before)
        const again = await openStore(store.dir, { now: () => clock.ms })
        expect(await answers(new JsonlPersistence(again), [id])).toEqual(before)
        await again.close()
        loseSidecars(store.dir)
        const bare = await openStore(store.dir, { now: () => clock.ms })
        expect(await answers(new JsonlPersistence(bare), [id])).toEqual(before)
        await bare.close()
      },
      Math.ceil(RUNS / 2),
    )
  })
})
