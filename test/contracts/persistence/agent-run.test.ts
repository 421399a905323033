/** A day in the life of a coding agent, with a restart between all of its steps. */
import { expect, test } from 'vitest'
import { JsonlPersistence, type Message } from '../../../src/contracts/persistence/index.js'
import { openStore, type SessionStore } from '../../../src/index.js'
import { context, insert, message } from '../../conformance/persistence/notation.js'
import { answers, loseSidecars, tokens } from '../../conformance/persistence/scene.js'
import { filesIn, tempFolder } from '../../helpers/store.js'

const DAY = 86_400_000
const ROOT = '/work/project'

/** A program that stops and starts. Every read must give the same before and after. */
class Program {
  readonly dir = tempFolder()
  readonly clock = { ms: Date.UTC(2026, 0, 1, 9) }
  readonly ids: string[] = []
  store!: SessionStore
  persistence!: JsonlPersistence

  async start(): Promise<void> {
    this.store = await openStore(this.dir, { now: () => this.clock.ms })
    this.persistence = new JsonlPersistence(this.store)
  }

  async #restart(between: () => void = () => {}): Promise<void> {
    await this.store.close()
    between()
    await this.start()
  }

  /** Takes a step, then stops, starts, rewrites every log and loses every sidecar. */
  async step<T>(work: (persistence: JsonlPersistence) => Promise<T>): Promise<T> {
    this.clock.ms += 1000
    const result = await work(this.persistence)
    const ask = () => answers(this.persistence, this.ids, ROOT)
    const before = await ask()
    await this.#restart()
    expect(await ask()).toEqual(before)
    for (const id of this.ids) await this.store.session(id).rewrite()
    expect(await ask()).toEqual(before)
    await this.#restart(() => loseSidecars(this.dir))
    expect(await ask()).toEqual(before)
    return result
  }
}

const usage = (promptTokens: number, completionTokens: number) => ({ usage: tokens(promptTokens, completionTokens) })

test('an agent works, is interrupted, compacts, and forgets what is old', async () => {
  const program = new Program()
  await program.start()
  const id = await program.step(async (p) => {
    const made = await p.createSession('coder', ROOT)
    program.ids.push(made)
    return made
  })
  const say = (...labels: string[]) => program.step((p) => insert(p, id, ...labels))
  const shown = () => context(program.persistence, id)
  const isPending = () => program.persistence.hasPendingToolCalls(id)

  await say('u fix the failing test')
  await program.step((p) => p.setTodo(id, '- [ ] find it\n- [ ] fix it'))

  // two calls at once, answered one by one
  await program.step((p) => p.insertMessage(id, { ...message('A[read,grep] let me look'), ...usage(900, 40) }))
  expect(await isPending()).toBe(true)
  await say('T grep')
  expect(await isPending()).toBe(true)
  expect(await shown()).toEqual(['u fix the failing test', 'A[read,grep] let me look', 'T grep'])
  await say('T read')
  expect(await isPending()).toBe(false)

  // a batch that a kill interrupted half-way; the user continues
  await program.step((p) => p.insertMessage(id, { ...message('A[edit,test]'), ...usage(1500, 80) }))
  await say('T edit')
  expect(await isPending()).toBe(true)
  await say('u what happened?')
  expect(await isPending()).toBe(false)
  const looked = ['u fix the failing test', 'A[read,grep] let me look', 'T read', 'T grep']
  expect((await shown()).sort()).toEqual([...looked, 'u what happened?'].sort())

  // a sub-agent
  const sub = (label: string, more = {}) =>
    program.step((p) => p.insertMessageWithAgent(id, { ...message(label), ...more, agentName: 'explore' }))
  await sub('A[search]', usage(300, 20))
  await sub('T search')
  await sub('a it is in parser.ts', usage(400, 10))
  await program.step((p) => p.insertMessage(id, { ...message('a found it'), ...usage(2000, 60) }))
  expect(await program.persistence.lastAssistantMessage(id)).toBe('found it')
  const rows = await program.persistence.sessionUsageByAgent(id)
  expect(rows.map(([name, { promptTokens, apiCalls }]) => [name, promptTokens, apiCalls])).toEqual([
    ['main', 4400, 3],
    ['explore', 700, 2],
  ])

  // the window is full
  const total = await program.persistence.sessionTokenUsage(id)
  expect(total).toMatchObject({ promptTokens: 5100, completionTokens: 210, apiCalls: 5 })
  expect(await program.step((p) => p.compactSession(id, 'The test fails in parser.ts.', 3))).toBe(7)
  expect(await shown()).toEqual([
    'S The test fails in parser.ts.',
    'A[search]',
    'T search',
    'a it is in parser.ts',
    'a found it',
  ])

  // it goes on, and is full again while calls are pending
  await say('u go on', 'A[edit2] here it is', 'T edit2', 'A[test2]')
  await program.step((p) => p.setMetadata(id, 'note', 'tests run with npm test'))
  expect(await program.step((p) => p.compactSession(id, 'Fixed; the tests are running.', 0))).toBe(7)
  expect(await shown()).toEqual(['S Fixed; the tests are running.', 'A[test2]'])
  expect(await isPending()).toBe(true)
  await say('T test2 all green', 'a Done!')
  expect(await shown()).toEqual(['S Fixed; the tests are running.', 'A[test2]', 'T test2 all green', 'a Done!'])

  const all = await program.persistence.loadAllMessages(id)
  expect(all.length).toBe(17)
  expect((await program.persistence.compactedStats()).messageCount).toBe(14)
  expect(await program.persistence.lastUserMessage(id)).toBe('go on')
  expect(await program.persistence.recentUserMessages(2)).toEqual(['go on', 'what happened?'])

  // a month later
  expect(await program.step((p) => p.purgeCompacted(30))).toBe(0)
  program.clock.ms += 30 * DAY
  const before = await program.persistence.loadContext(id)
  expect(await program.step((p) => p.purgeCompacted(29))).toBe(14)
  expect(await program.persistence.loadContext(id)).toEqual(before)
  expect(await program.persistence.loadAllMessages(id)).toEqual(all.slice(14) satisfies Message[])
  expect(await program.persistence.sessionTokenUsage(id)).toEqual(total)
  expect(await program.persistence.sessionUsageByAgent(id)).toEqual(rows)
  expect(await program.persistence.getTodo(id)).toBe('- [ ] find it\n- [ ] fix it')
  expect(await program.persistence.getMetadata(id, 'note')).toBe('tests run with npm test')
  expect(await program.persistence.listSessions(10, `${ROOT}/`)).toMatchObject([
    { id, agentName: 'coder', messageCount: 3, totalTokens: 5310, createdAt: '2026-01-01T09:00:01.000Z' },
  ])

  expect(await program.step((p) => p.deleteSession(id))).toBe(true)
  await program.store.close()
  expect(filesIn(program.dir)).toEqual([])
})
