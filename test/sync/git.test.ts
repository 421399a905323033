import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { JsonlPersistence } from '../../src/contracts/persistence/index.js'
import { JsonlRuntimePersistence } from '../../src/contracts/runtime-persistence/index.js'
import { JsonlSessionBackend } from '../../src/contracts/session-backend/index.js'
import { JsonlSessionManager } from '../../src/contracts/session-manager/index.js'
import { openStore, type SessionStore } from '../../src/index.js'
import { totalUsage } from '../../src/log/usage.js'
import { internalsOf } from '../../src/store/store.js'
import { contents, fill, message, open, randomOf, SOAK } from '../helpers/store.js'
import { type Clone, cli, clones, hasProgram } from './machines.js'
import { idsOf, ledgerOf, nodesOf, WORK, type Work, workOn } from './work.js'

const PAIRS = SOAK ? 300 : 5
const SEED = Number(process.env.SYNC_SEED ?? 8)

/** The ids of each session of a clone, and its usage. */
interface Told {
  ids: Map<string, string[]>
  spent: Map<string, number>
  nodes: Map<string, string[]>
  ledger: Map<string, number>
}

async function told(store: SessionStore): Promise<Told> {
  const result: Told = { ids: new Map(), spent: new Map(), nodes: new Map(), ledger: new Map() }
  for (const key of await store.keys()) {
    result.ids.set(key, await idsOf(store.session(key)))
    result.nodes.set(key, await nodesOf(store.session(key), store))
    result.ledger.set(key, await ledgerOf(store.session(key), store))
    const state = await internalsOf(store).log(key).current()
    const usage = state === undefined ? [] : [...totalUsage(state.summary).values()]
    result.spent.set(
      key,
      usage.reduce((sum, { promptTokens }) => sum + promptTokens, 0),
    )
  }
  return result
}

/** Random work on every session of a clone; returns its state after that. */
async function work(clone: Clone, keys: readonly string[], seed: number, steps: number, what?: Work[]): Promise<Told> {
  const random = randomOf(seed)
  const skew = Math.floor(random() * 5_000)
  const store = await openStore(clone.root, { now: () => Date.now() + skew })
  for (const key of keys) {
    await store.session(key).append(message(`work ${seed}`))
    await workOn(store.session(key), store, Math.floor(random() * steps), random, what)
  }
  const result = await told(store)
  await store.close()
  return result
}

/** Every contract reads every session without an error. */
async function readByAll(store: SessionStore): Promise<void> {
  const backend = new JsonlSessionBackend(store)
  const persistence = new JsonlPersistence(store)
  const manager = new JsonlSessionManager(store)
  await backend.listSessionsWithMetadata()
  for (const key of await store.keys()) {
    const messages = await backend.load(key)
    expect(await persistence.loadAllMessages(key)).toHaveLength(messages.length)
    await persistence.loadContext(key)
    await persistence.sessionTokenUsage(key)
    await manager.resume(key)
    await new JsonlRuntimePersistence(store, key).loadSession({ kind: 'fullGraph' })
  }
}

type Four<T> = [T, T, T, T]

/** True for what neither side took away. */
function staysIn(past: string[], mine: string[], yours: string[], id: string): boolean {
  return !past.includes(id) || (mine.includes(id) && yours.includes(id))
}

interface Parting {
  prepare?: (clone: Clone) => void
  what?: Work[]
  pairs?: number
}

/** Two clones with a common past and work of their own since, both committed. */
async function partedClones({ prepare, what, pairs = PAIRS }: Parting = {}) {
  const [ours, theirs] = clones(2, prepare) as [Clone, Clone]
  const keys = Array.from({ length: pairs }, (_, i) => (i % 3 === 0 ? `Telegram/${i}` : `chat_${i}`))
  const before = await work(ours, keys, SEED, 10, what)
  ours.commit()
  ours.git('push', '--quiet', 'origin', 'main')
  theirs.git('pull', '--quiet', 'origin', 'main')
  const left = await work(ours, keys, SEED + 1, 10, what)
  const right = await work(theirs, keys, SEED + 2, 10, what)
  for (const clone of [ours, theirs]) clone.commit()
  for (const [clone, branch] of [
    [ours, 'left'],
    [theirs, 'right'],
  ] as const)
    clone.git('push', '--quiet', 'origin', `main:${branch}`)
  for (const clone of [ours, theirs]) clone.git('fetch', '--quiet', 'origin')
  return { ours, theirs, keys, before, left, right }
}

describe.skipIf(!hasProgram('git'))('git with the merge driver', () => {
  test(`${PAIRS} pairs of histories merge to the same bytes on both sides, with all that neither removed`, async () => {
    const { ours, theirs, keys, before, left, right } = await partedClones()
    ours.git('merge', '--quiet', '--no-edit', 'origin/right')
    theirs.git('merge', '--quiet', '--no-edit', 'origin/left')
    expect(theirs.logs()).toEqual(ours.logs())
    const store = await open(ours.root)
    const merged = await told(store)
    for (const key of keys) {
      for (const what of ['ids', 'nodes'] as const) {
        const [past, mine, yours, got] = [before, left, right, merged].map((one) => one[what].get(key) ?? []) as Four<
          string[]
        >
        const wanted = new Set([...mine, ...yours].filter((id) => staysIn(past, mine, yours, id)))
        expect([...got].sort(), `${what} of ${key}`).toEqual([...wanted].sort())
      }
      for (const what of ['spent', 'ledger'] as const) {
        const [past, mine, yours, got] = [before, left, right, merged].map(
          (one) => one[what].get(key) ?? 0,
        ) as Four<number>
        expect(got, `${what} of ${key}`).toBe(mine + yours - past)
      }
    }
    await readByAll(store)
    // one continues with the merge of the other
    ours.git('push', '--quiet', 'origin', 'main')
    theirs.git('pull', '--quiet', '--no-rebase', '--no-edit', 'origin', 'main')
    expect(theirs.logs()).toEqual(ours.logs())
    expect(theirs.git('diff', '--stat', 'origin/main')).toBe('')
  }, 600_000)

  test(`${PAIRS} pairs with merge=union alone read without an error, and no message is missing`, async () => {
    const { ours, keys, before, left, right } = await partedClones({
      what: WORK,
      prepare: ({ root }) => {
        fs.mkdirSync(root, { recursive: true })
        fs.writeFileSync(path.join(root, '.gitattributes'), '*.jsonl merge=union\n')
        fs.writeFileSync(path.join(root, '.gitignore'), '*.meta.json\n.*/\n')
      },
    })
    ours.git('merge', '--quiet', '--no-edit', 'origin/right')
    const store = await open(ours.root)
    await readByAll(store)
    const merged = await told(store)
    for (const key of keys) {
      const [past, mine, yours, got] = [before, left, right, merged].map(({ ids }) => ids.get(key) ?? []) as Four<
        string[]
      >
      // a line without an id is known by its place, which a union moves
      const wanted = [...mine, ...yours].filter((id) => staysIn(past, mine, yours, id) && !id.startsWith('#'))
      for (const id of wanted)
        expect(
          got.filter((one) => one === id),
          `${key} ${id}`,
        ).toHaveLength(1)
    }
  }, 600_000)

  test('three clones that merge in a ring end with the same bytes', async () => {
    const [a, b, c] = clones(3) as [Clone, Clone, Clone]
    await work(a, ['ann', 'bob'], 1, 8)
    a.commit()
    a.git('push', '--quiet', 'origin', 'main')
    for (const clone of [b, c]) clone.git('pull', '--quiet', 'origin', 'main')
    for (let round = 0; round < 2; round++) {
      for (const [i, clone] of [a, b, c].entries()) {
        await work(clone, ['ann', 'bob'], 10 * round + i, 6)
        clone.commit()
      }
      // each takes the next one's work, so that two merges of the same lines meet
      for (const [i, clone] of [a, b, c].entries()) {
        const next = [a, b, c][(i + 1) % 3] as Clone
        clone.git('pull', '--quiet', '--no-rebase', '--no-edit', next.folder, 'main')
      }
    }
    for (const clone of [b, c]) a.git('pull', '--quiet', '--no-rebase', '--no-edit', clone.folder, 'main')
    for (const clone of [b, c]) clone.git('pull', '--quiet', '--no-rebase', '--no-edit', a.folder, 'main')
    expect(b.logs()).toEqual(a.logs())
    expect(c.logs()).toEqual(a.logs())
    await readByAll(await open(c.root))
  })

  test('a rebase has the same lines as a merge', async () => {
    const { ours, theirs } = await partedClones({ pairs: 4 })
    ours.git('merge', '--quiet', '--no-edit', 'origin/right')
    theirs.git('rebase', '--quiet', 'origin/left')
    expect(theirs.logs()).toEqual(ours.logs())
  })

  test('a session that both sides made under one key is one session', async () => {
    const [ours, theirs] = clones(2) as [Clone, Clone]
    for (const [clone, text] of [
      [ours, 'from here'],
      [theirs, 'from there'],
    ] as const) {
      const store = await openStore(clone.root)
      await fill(store, 'ann', [text])
      await store.close()
      clone.commit()
    }
    ours.git('pull', '--quiet', '--no-rebase', '--no-edit', theirs.folder, 'main')
    theirs.git('pull', '--quiet', '--no-rebase', '--no-edit', ours.folder, 'main')
    expect(theirs.logs()).toEqual(ours.logs())
    expect(await contents((await open(ours.root)).session('ann'))).toEqual(['from here', 'from there'])
  })

  test('what cannot be merged is a conflict without markers, and keeps our log', async () => {
    const [ours, theirs] = clones(2) as [Clone, Clone]
    const store = await openStore(ours.root)
    await fill(store, 'ann', ['one'])
    await store.close()
    ours.commit()
    theirs.git('pull', '--quiet', ours.folder, 'main')
    const log = path.join('sessions', 'ann.jsonl')
    fs.appendFileSync(path.join(ours.folder, log), '{"role":"user","content":"ours"}\n')
    fs.appendFileSync(path.join(theirs.folder, log), '{"type":"session","version":9,"key":"ann"}\n')
    for (const clone of [ours, theirs]) clone.commit()
    const before = fs.readFileSync(path.join(ours.folder, log), 'utf8')
    const { code, err } = ours.tryGit('pull', '--no-rebase', '--no-edit', theirs.folder, 'main')
    expect(code).toBe(1)
    expect(err).toContain('format version 9')
    expect(ours.git('diff', '--name-only', '--diff-filter=U').trim()).toBe(log)
    expect(fs.readFileSync(path.join(ours.folder, log), 'utf8')).toBe(before)
  })

  test('git diff shows a transcript', async () => {
    const [clone] = clones(1) as [Clone]
    const store = await open(clone.root)
    const ann = await fill(store, 'ann', ['what is on today?'])
    clone.commit()
    await ann.append({ role: 'assistant', content: 'Two meetings.' })
    await ann.setName("Ann's calendar")
    const diff = clone.git('diff')
    const added = diff.split('\n').filter((line) => line.startsWith('+') && !line.startsWith('+++'))
    expect(added.map((line) => line.replace(/ {2}\d{4}-.*/, ''))).toEqual([
      ...['+', '+assistant', '+  Two meetings.', '+', `+name: "Ann's calendar"`],
    ])
    await ann.removeLast()
    expect(clone.git('diff')).not.toContain('Two meetings')
  })
})

describe.skipIf(!hasProgram('git'))('init', () => {
  test('prints what it did, and does nothing the second time', () => {
    const [clone] = clones(1, () => {}) as [Clone]
    const first = cli(clone.root, 'init')
    expect(first.code).toBe(0)
    expect(first.out.match(/written/g)).toHaveLength(3)
    expect(first.out.match(/: set$/gm)).toHaveLength(3)
    const files = fs.readdirSync(clone.root).map((name) => fs.readFileSync(path.join(clone.root, name), 'utf8'))
    const second = cli(clone.root, 'init')
    expect(second.code).toBe(0)
    expect(second.out).not.toMatch(/written|added|: set|renewed/)
    expect(fs.readdirSync(clone.root).map((name) => fs.readFileSync(path.join(clone.root, name), 'utf8'))).toEqual(
      files,
    )
  })

  test('keeps what stands in the files already', () => {
    const [clone] = clones(1, () => {}) as [Clone]
    fs.mkdirSync(clone.root)
    fs.writeFileSync(path.join(clone.root, '.gitignore'), 'mine\n.locks/')
    expect(cli(clone.root, 'init').code).toBe(0)
    const lines = fs.readFileSync(path.join(clone.root, '.gitignore'), 'utf8').split('\n')
    expect(lines.slice(0, 3)).toEqual(['mine', '.locks/', '*.meta.json'])
    expect(lines.filter((line) => line === '.locks/')).toHaveLength(1)
  })

  test('leaves only logs to commit while a bot runs', async () => {
    const [clone] = clones(1) as [Clone]
    const store = await open(clone.root)
    const ann = await fill(store, 'ann', ['hi'])
    await ann.setState('running', 'turn-1')
    fs.writeFileSync(path.join(clone.root, 'ann.sync-conflict-20261121-073217-ZMMT233.jsonl'), '')
    expect(clone.git('status', '--porcelain', '--untracked-files=all').trim()).toBe('?? sessions/ann.jsonl')
  })

  test('reports that the repository around ignores the folder', () => {
    const [clone] = clones(1, () => {}) as [Clone]
    fs.writeFileSync(path.join(clone.folder, '.gitignore'), 'sessions/\n')
    const { code, err } = cli(clone.root, 'init')
    expect(code).toBe(1)
    expect(err).toContain('is ignored by the repository')
  })

  test('--git makes a repository where there is none', () => {
    const [clone] = clones(1, () => {}) as [Clone]
    fs.rmSync(path.join(clone.folder, '.git'), { recursive: true })
    expect(cli(clone.root, 'init').out).toContain('not in a git repository')
    expect(cli(clone.root, 'init', '--git').code).toBe(0)
    expect(fs.existsSync(path.join(clone.root, '.git'))).toBe(true)
  })
})
