import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { JsonlRuntimePersistence, type PersistedSessionRead } from '../../../src/contracts/runtime-persistence/index.js'
import { openStore } from '../../../src/index.js'
import { ended, messageOf, start } from '../../helpers/child.js'
import { open, SOAK, tempFolder } from '../../helpers/store.js'

const CONFIG = {
  ...{ providerId: 'p', configuredModel: 'm', contextWindow: 0, executionMode: 'standard' },
  ...{ standardContextApproach: null, modelVariant: null },
}
const FULL = { kind: 'fullGraph' } as const
const node = (nodeId: string, parentNodeId?: string) => ({
  ...{ nodeId, timestamp: 't', kind: 'event' as const, event: nodeId },
  ...(parentNodeId === undefined ? {} : { parentNodeId }),
})

describe('processes that expect the same revision', () => {
  test('exactly one of four wins, every time', async () => {
    const rounds = SOAK ? 200 : 12
    const folder = tempFolder()
    const racers = ['a', 'b', 'c', 'd'].map((name) =>
      start('runtime-process.mjs', [folder, 'race', `${rounds - 1}`, name]),
    )
    const next = (racer: (typeof racers)[number]) => messageOf<{ won: boolean; code?: string; details?: object }>(racer)
    await Promise.all(racers.map(next))
    for (let revision = 0; revision < rounds; revision++) {
      const results = racers.map(next)
      for (const racer of racers) racer.send(revision)
      const told = await Promise.all(results)
      expect(told.filter(({ won }) => won).length, `round ${revision}`).toBe(1)
      for (const { won, code, details } of told) {
        if (won) continue
        expect(code).toBe('ERR_HEAD_REVISION_CONFLICT')
        expect(details).toEqual({ expected: revision, actual: revision + 1 })
      }
    }
    await Promise.all(racers.map((racer) => ended(racer)))
    const read = await new JsonlRuntimePersistence(await open(folder), 'alpha').loadSession(FULL)
    expect(read?.headRevision).toBe(rounds)
    expect(read?.graph.nodes.length).toBe(rounds)
    expect(read?.tokenLedger[0]?.usage.inputTokens).toBe(rounds)
  }, 600_000)
})

/** The state of a folder, blobs included. */
async function stateOf(folder: string): Promise<{ read: PersistedSessionRead | null; blobs: string[] }> {
  const store = await openStore(folder)
  try {
    const read = await new JsonlRuntimePersistence(store, 'alpha').loadSession(FULL)
    const blobs = path.join(folder, 'alpha.blobs')
    return { read, blobs: fs.existsSync(blobs) ? fs.readdirSync(blobs).sort() : [] }
  } finally {
    await store.close()
  }
}

/** A session of two commits, a tombstone and unreferenced blobs. */
async function prepared(): Promise<string> {
  const folder = tempFolder()
  const store = await openStore(folder)
  const runtime = new JsonlRuntimePersistence(store, 'alpha')
  const nodes = [node('a'), node('b', 'a'), node('c', 'b')]
  for (const expectedHeadRevision of [null, 1]) {
    await runtime.commitRuntimeState({
      ...{ sessionId: 'alpha', expectedHeadRevision, config: CONFIG },
      graph: { kind: 'replaceFull', graph: { nodes, leafNodeId: 'c' } },
      checkpoint: { executionState: Buffer.from(`${expectedHeadRevision}`), pluginSnapshot: { plugins: {} } },
      usageDeltas: [],
    })
  }
  await runtime.tombstoneNodes(['b'])
  await store.close()
  return folder
}

/**
 * Does the work in a process that copies `folder` right before each of its steps and is killed after the last: each
 * copy, locks included, is what a kill at that step leaves. Returns how many states there are.
 */
async function killed(
  folder: string,
  way: 'commit' | 'vacuum' | 'gc',
  look: (copy: string, done: boolean) => Promise<number | null>,
): Promise<number> {
  const place = tempFolder()
  const last = path.join(place, 'last')
  fs.cpSync(folder, last, { recursive: true, filter: (from) => !from.includes('.locks') })
  const child = start('runtime-process.mjs', [last, way, path.join(place, 'step')])
  const steps = await messageOf<number>(child)
  expect(await ended(child)).toEqual({ code: null, signal: 'SIGKILL' })
  const copies = Array.from({ length: steps }, (_, i) => path.join(place, `step${i + 1}`))
  for (const [i, copy] of [...copies, last].entries()) {
    const revision = await look(copy, copy === last)
    // after some of the steps, more work is done
    if (SOAK || copy === last || i % 4 === 1) await goesOn(copy, revision)
  }
  return steps + 1
}

const again = (revision: number | null) => ({
  ...{ sessionId: 'alpha', expectedHeadRevision: revision, config: CONFIG },
  graph: { kind: 'append' as const, nodes: [node('again')], leafNodeId: 'again' },
  ...{ checkpoint: { executionState: Buffer.from('again') }, usageDeltas: [] },
})

/** After any kill the session can be used, and nothing is left over. */
async function goesOn(folder: string, revision: number | null): Promise<void> {
  const store = await openStore(folder)
  const runtime = new JsonlRuntimePersistence(store, 'alpha')
  expect((await runtime.commitRuntimeState(again(revision))).headRevision).toBe((revision ?? 0) + 1)
  const { retainedBlobCount } = await runtime.gcUnreachable()
  expect(retainedBlobCount).toBe(2)
  await store.close()
  expect((await stateOf(folder)).blobs.length).toBe(2)
  expect(fs.readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
}

describe('a process that is killed between two steps', () => {
  test('of a commit leaves the old state or the new one', async () => {
    const folder = await prepared()
    const before = (await stateOf(folder)).read
    let after = 0
    const steps = await killed(folder, 'commit', async (copy, done) => {
      const { read } = await stateOf(copy)
      if (read?.headRevision === 2) expect(read).toEqual(before)
      else {
        after++
        expect(read).toMatchObject({ headRevision: 3, graph: { leafNodeId: 'new' } })
        expect(Buffer.from(read?.checkpoint?.executionState ?? []).toString()).toBe('new')
      }
      if (done) expect(read?.headRevision).toBe(3)
      return read?.headRevision ?? null
    })
    // three blobs of write, sync and rename, the sync of their folder, the line
    expect(steps).toBeGreaterThanOrEqual(11)
    expect(after).toBeGreaterThan(0)
  }, 120_000)

  test('of a first commit leaves no session or a whole one', async () => {
    const steps = await killed(tempFolder(), 'commit', async (copy, done) => {
      const { read } = await stateOf(copy)
      expect([null, 1]).toContain(read?.headRevision ?? null)
      if (done) expect(read?.headRevision).toBe(1)
      return read?.headRevision ?? null
    })
    expect(steps).toBeGreaterThanOrEqual(13)
  }, 120_000)

  test('of a vacuum leaves the old log or the new one, which read the same', async () => {
    const folder = await prepared()
    const { read } = await stateOf(folder)
    const log = fs.readFileSync(path.join(folder, 'alpha.jsonl'))
    const steps = await killed(folder, 'vacuum', async (copy, done) => {
      expect((await stateOf(copy)).read).toEqual(read)
      const left = fs.readFileSync(path.join(copy, 'alpha.jsonl'))
      if (done) expect(left.includes('tombstone')).toBe(false)
      else if (left.includes('tombstone')) expect(left).toEqual(log)
      return 2
    })
    expect(steps).toBeGreaterThanOrEqual(4)
  }, 120_000)

  test('of a collection leaves all that the head reaches', async () => {
    const folder = await prepared()
    const { read } = await stateOf(folder)
    const steps = await killed(folder, 'gc', async (copy) => {
      expect((await stateOf(copy)).read).toEqual(read)
      return 2
    })
    expect(steps).toBeGreaterThanOrEqual(2)
  }, 120_000)
})
