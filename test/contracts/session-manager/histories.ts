/** Random histories of one session, and the state that they must end in. */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { JsonlSessionBackend } from '../../../src/contracts/session-backend/index.js'
import { type Json, JsonlSessionManager, type Session } from '../../../src/contracts/session-manager/index.js'
import { openStore, type SessionStore } from '../../../src/index.js'

export const KEY = 's'
const START = Date.UTC(2026, 0, 1, 12)

/** Random histories per property. `LAW_RUNS=2000` is the long form. */
export const RUNS = Number(process.env.LAW_RUNS ?? 40)
export const SEED = Number(process.env.LAW_SEED ?? 20261125)

export interface Snapshot {
  messages: Json[]
  state: Json
  name: string | null
  tags: string[]
  agentName: string
  turnCount: number
  totalTokens: number
}

export type Step =
  | { do: 'save'; snapshot: Snapshot }
  | { do: 'append'; content: Json }
  | { do: 'removeLast' }
  | { do: 'tag'; tags: string[] }
  | { do: 'rename'; name: string }
  | { do: 'rewind'; to: number }
  | { do: 'run'; state: 'running' | 'idle' }
  | { do: 'compaction'; through: number }
  | { do: 'copy'; line: number }
  | { do: 'damage'; text: string }
  | { do: 'rewrite' }
  | { do: 'reopen'; sidecars: boolean }

// few different values, so that snapshots begin alike and messages repeat themselves
const message: fc.Arbitrary<Json> = fc.constantFrom<Json>(
  ...[
    { role: 'user', content: 'a' },
    { content: 'a', role: 'user' },
    { role: 'user', content: 'b' },
  ],
  ...[
    { role: 'assistant', content: { x: [1, { y: 2 }], z: '\n' } },
    { role: 'user', id: 'own', at: 1, type: 'note' },
  ],
  ...[null, 0, 'a', [], {}, { role: 5 }, { type: 'remove', ids: ['own'] }, { value: 1 }, { role: 'user', own: [1] }],
)
const name = fc.constantFrom('n', 'm', '', ' n', 'line\nfeed')
const tag = fc.constantFrom('a', 'b', 'A', '', 'x')
const count = fc.constantFrom(0, 1, 2, 3, 77, Number.MAX_SAFE_INTEGER)

export const snapshot: fc.Arbitrary<Snapshot> = fc.record({
  messages: fc.array(message, { maxLength: 7 }),
  state: fc.oneof(fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>, fc.constantFrom<Json>(null, { k: 1 })),
  name: fc.option(name),
  tags: fc.array(tag, { maxLength: 4 }),
  agentName: fc.constantFrom('', 'coder', 'other'),
  turnCount: count,
  totalTokens: count,
})

const change: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('save' as const), snapshot }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('append' as const), content: fc.constantFrom<Json>('a', 'b') }) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: 'removeLast' }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('tag' as const), tags: fc.array(tag, { maxLength: 3 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('rename' as const), name }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('rewind' as const), to: fc.nat(8) }) },
)
const event: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('run' as const), state: fc.constantFrom('running' as const, 'idle' as const) }),
  fc.record({ do: fc.constant('compaction' as const), through: fc.nat(8) }),
  fc.record({ do: fc.constant('copy' as const), line: fc.nat(20) }),
  fc.record({ do: fc.constant('damage' as const), text: fc.constantFrom('damage', '[1]', '{"a":1}') }),
  fc.constant<Step>({ do: 'rewrite' }),
  fc.record({ do: fc.constant('reopen' as const), sidecars: fc.boolean() }),
)

/** Changes by the contracts. */
export const changes = fc.array(change, { minLength: 1, maxLength: 5 })
/** A life: it begins with a save. */
export const history: fc.Arbitrary<Step[]> = fc
  .tuple(
    snapshot,
    fc.array(fc.oneof({ weight: 3, arbitrary: change }, { weight: 2, arbitrary: event }), { maxLength: 10 }),
  )
  .map(([first, steps]) => [{ do: 'save', snapshot: first }, ...steps])

/** A store of its own, in which histories are played. */
export class Stage {
  readonly dir = fs.mkdtempSync(path.join(os.tmpdir(), 'jsonl-sessions-'))
  ms = START
  #store!: SessionStore
  manager!: JsonlSessionManager
  backend!: JsonlSessionBackend

  async open(): Promise<void> {
    this.#store = await openStore(this.dir, { now: () => this.ms })
    this.manager = new JsonlSessionManager(this.#store)
    this.backend = new JsonlSessionBackend(this.#store)
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  logOf(key: string): string {
    return this.#store.session(key).path
  }

  bytes(key: string): Buffer {
    return fs.readFileSync(this.logOf(key))
  }

  rewrite(key: string): Promise<unknown> {
    return this.#store.session(key).rewrite()
  }

  async play(key: string, step: Step): Promise<void> {
    this.ms += 700
    const { manager, backend } = this
    if (step.do === 'save') await manager.save(toSession(key, step.snapshot))
    else if (step.do === 'append') await backend.append(key, { role: 'user', content: step.content })
    else if (step.do === 'removeLast') await backend.removeLast(key)
    else if (step.do === 'tag') await manager.tag(key, step.tags)
    else if (step.do === 'rename') await manager.rename(key, step.name)
    else if (step.do === 'rewind') await manager.rewind(key, step.to)
    else if (step.do === 'run') await backend.setSessionState(key, step.state, null)
    else if (step.do === 'compaction') this.#add(key, this.#compaction(key, step.through))
    else if (step.do === 'copy') this.#add(key, this.#lines(key).at(step.line % this.#lines(key).length) as string)
    else if (step.do === 'damage') this.#add(key, step.text)
    else if (step.do === 'rewrite') await this.rewrite(key)
    else await this.#reopen(step.sidecars)
  }

  async #reopen(sidecars: boolean): Promise<void> {
    await this.close()
    for (const file of sidecars ? [] : fs.readdirSync(this.dir)) {
      if (file.endsWith('.meta.json')) fs.rmSync(path.join(this.dir, file))
    }
    await this.open()
  }

  #lines(key: string): string[] {
    return this.bytes(key).toString().split('\n').slice(0, -1)
  }

  #compaction(key: string, through: number): string {
    const ids = this.#lines(key).flatMap((line) => /"id":"([0-9a-f-]{36})"/.exec(line)?.[1] ?? [])
    const at = new Date(this.ms).toISOString()
    return JSON.stringify({ type: 'compaction', id: `c${this.ms}`, at, summary: 'sum', through: ids[through] ?? null })
  }

  #add(key: string, line: string): void {
    fs.appendFileSync(this.logOf(key), `${line}\n`)
  }
}

export async function onStage(work: (stage: Stage) => Promise<void>): Promise<void> {
  const stage = new Stage()
  try {
    await stage.open()
    await work(stage)
    await stage.close()
  } finally {
    fs.rmSync(stage.dir, { recursive: true, force: true })
  }
}

export function toSession(id: string, { messages, state, ...metadata }: Snapshot): Session {
  return { metadata: { id, createdAt: 0, updatedAt: 0, ...metadata }, messages, state }
}

/** The state at the end of a history, as `resume` returns it. */
export function outcomeOf(key: string, steps: readonly Step[]): Session {
  let now = START
  let session!: Session
  const update = (change: Partial<Session>, labels: Partial<Session['metadata']> = {}) => {
    const metadata = { ...session.metadata, ...labels, updatedAt: Math.floor(now / 1000) }
    session = { ...session, ...change, metadata }
  }
  for (const step of steps) {
    now += 700
    const { messages, metadata } = session ?? { messages: [] }
    if (step.do === 'save') {
      const given = toSession(key, step.snapshot)
      const createdAt = metadata?.createdAt ?? Math.floor(now / 1000)
      session = { ...given, metadata: { ...given.metadata, createdAt, forkedFrom: null } }
      update({}, { tags: [...new Set(given.metadata.tags)] })
    } else if (step.do === 'append') update({ messages: [...messages, { role: 'user', content: step.content }] })
    else if (step.do === 'removeLast') {
      const last = messages.findLastIndex((message) => typeof (message as { role?: unknown } | null)?.role === 'string')
      if (last !== -1) update({ messages: messages.toSpliced(last, 1) })
    } else if (step.do === 'tag') {
      const tags = [...new Set([...metadata.tags, ...step.tags])]
      if (tags.length > metadata.tags.length) update({}, { tags })
    } else if (step.do === 'rename') {
      if (step.name !== metadata.name) update({}, { name: step.name })
    } else if (step.do === 'rewind') {
      if (step.to < messages.length) update({ messages: messages.slice(0, step.to) }, { turnCount: step.to })
    } else if (step.do === 'compaction') update({})
  }
  return session
}
