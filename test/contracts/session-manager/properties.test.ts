/** What holds for every history of a session. */
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Json } from '../../../src/index.js'
import {
  changes,
  history,
  KEY,
  onStage,
  outcomeOf,
  RUNS,
  SEED,
  type Stage,
  type Step,
  snapshot,
  toSession,
} from './histories.js'

const TIMEOUT = 10 * 60 * 1000

async function holds<T>(histories: fc.Arbitrary<T>, law: (stage: Stage, given: T) => Promise<void>): Promise<void> {
  const property = fc.asyncProperty(histories, (given) => onStage((stage) => law(stage, given)))
  await fc.assert(property, { seed: SEED, numRuns: RUNS })
}

async function playAll(stage: Stage, key: string, steps: readonly Step[]): Promise<void> {
  for (const step of steps) await stage.play(key, step)
}

function isChat(message: Json): boolean {
  return typeof (message as { role?: unknown } | null)?.role === 'string'
}

/** Like `toEqual`, which is called only to report a difference, since it is slow. */
function expectEqual(got: unknown, wanted: unknown): void {
  if (!isDeepStrictEqual(got, wanted)) expect(got).toEqual(wanted)
}

describe('a session', () => {
  test(
    'is what its history says',
    async () => {
      await holds(history, async (stage, steps) => {
        await playAll(stage, KEY, steps)
        const wanted = outcomeOf(KEY, steps)
        expectEqual(await stage.manager.resume(KEY), wanted)
        expectEqual(await stage.manager.list(), [wanted.metadata])
        const count = async () => (await stage.backend.getSessionMetadata(KEY))?.messageCount
        expect(await count()).toBe((await stage.backend.load(KEY)).length)
        await stage.play(KEY, { do: 'reopen', sidecars: false })
        expectEqual(await stage.manager.resume(KEY), wanted)
        expect(await count()).toBe((await stage.backend.load(KEY)).length)
      })
    },
    TIMEOUT,
  )

  test(
    'is exactly the last of all snapshots that were saved, and keeps what they have in common',
    async () => {
      await holds(fc.array(snapshot, { minLength: 1, maxLength: 8 }), async (stage, snapshots) => {
        let before: Buffer = Buffer.alloc(0)
        let former: Json[] = []
        let ids: Json[] = []
        for (const one of snapshots) {
          await stage.manager.save(toSession(KEY, one))
          const alike = one.messages.findIndex((message, i) => !isDeepStrictEqual(message, former[i]))
          const kept = former.slice(0, alike === -1 ? one.messages.length : alike).filter(isChat).length
          const idsNow = (await stage.backend.load(KEY)).map(({ id }) => id)
          expectEqual(idsNow.slice(0, kept), ids.slice(0, kept))
          former = one.messages
          ids = idsNow
          const after = stage.bytes(KEY)
          expect(after.subarray(0, before.length).equals(before)).toBe(true)
          before = after
        }
        const { messages, state, metadata } = await stage.manager.resume(KEY)
        const last = toSession(KEY, snapshots.at(-1)!)
        expectEqual({ messages, state }, { messages: last.messages, state: last.state })
        const { createdAt: _, updatedAt: __, tags, ...labels } = last.metadata
        expectEqual({ ...metadata, ...labels, tags: [...new Set(tags)], forkedFrom: null }, metadata)
      })
    },
    TIMEOUT,
  )
})

describe('a fork', () => {
  test(
    'is equal to its source, and no change of one side changes the other',
    async () => {
      await holds(fc.tuple(history, changes, changes), async (stage, [before, ours, theirs]) => {
        await playAll(stage, KEY, before)
        const { manager } = stage
        const bytes = stage.bytes(KEY)
        const source = await manager.resume(KEY)
        const { id } = await manager.fork(KEY, 'f')
        const fork = await manager.resume(id)
        expectEqual({ messages: fork.messages, state: fork.state }, { messages: source.messages, state: source.state })
        expectEqual(await stage.backend.load(id), await stage.backend.load(KEY))
        await playAll(stage, id, ours)
        expect(stage.bytes(KEY).equals(bytes)).toBe(true)
        expectEqual(await stage.manager.resume(KEY), source)
        const forkBytes = stage.bytes(id)
        const changed = await stage.manager.resume(id)
        await playAll(stage, KEY, theirs)
        expect(stage.bytes(id).equals(forkBytes)).toBe(true)
        expectEqual(await stage.manager.resume(id), changed)
      })
    },
    TIMEOUT,
  )

  test(
    'has nothing to rewrite',
    async () => {
      await holds(history, async (stage, steps) => {
        await playAll(stage, KEY, steps)
        const { id } = await stage.manager.fork(KEY)
        expect(await stage.rewrite(id)).toBe(null)
      })
    },
    TIMEOUT,
  )
})

describe('a rewind', () => {
  test(
    'followed by a rewrite is the rewind',
    async () => {
      await holds(fc.tuple(history, fc.nat(8)), async (stage, [steps, to]) => {
        await playAll(stage, KEY, steps)
        const rewound = await stage.manager.rewind(KEY, to)
        await stage.rewrite(KEY)
        expectEqual(await stage.manager.resume(KEY), rewound)
        expectEqual(await stage.manager.list(), [rewound.metadata])
      })
    },
    TIMEOUT,
  )

  test(
    'does not change the first messages, ids and times included',
    async () => {
      await holds(fc.tuple(history, fc.nat(8)), async (stage, [steps, to]) => {
        await playAll(stage, KEY, steps)
        const { messages } = await stage.manager.resume(KEY)
        const stored = await stage.backend.load(KEY)
        const rewound = await stage.manager.rewind(KEY, to)
        expectEqual(rewound.messages, messages.slice(0, to))
        const kept = await stage.backend.load(KEY)
        expectEqual(kept, stored.slice(0, kept.length))
        expectEqual(await stage.manager.rewind(KEY, to), rewound)
      })
    },
    TIMEOUT,
  )
})
