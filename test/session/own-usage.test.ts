/** Usage of forks: each call of a model counts once in sums over sessions. */
import fs from 'node:fs'
import { expect, test } from 'vitest'
import type { Session, SessionStore } from '../../src/index.js'
import { run } from '../cli/run.js'
import { open, tempFolder } from '../helpers/store.js'

async function spend(session: Session, promptTokens: number, agent?: string): Promise<void> {
  const usage = { promptTokens, completionTokens: 0 }
  await session.append({ role: 'assistant', content: 'x', model: 'm', usage, ...(agent && { agent }) })
}

async function ownTokens(store: SessionStore): Promise<Record<string, number>> {
  const rows: Record<string, number> = {}
  for (const key of await store.keys()) {
    const own = [...(await store.session(key).ownUsage()).values()]
    rows[key] = own.reduce((sum, { promptTokens }) => sum + promptTokens, 0)
  }
  return rows
}

async function printed(store: SessionStore, ...args: string[]) {
  const { out, err } = await run([...args, '--json', '--root', store.dir])
  expect(err).toBe('')
  return JSON.parse(out)
}

test('a fork that was made of 100 tokens and spent 50 adds 50', async () => {
  const store = await open(tempFolder())
  const source = store.session('a')
  await spend(source, 60)
  await spend(source, 40, 'helper')
  // the second copies one message only: what the others cost stays in its own sum all the same
  for (const options of [{ as: 'b' }, { as: 'c', last: 1 }]) {
    const copy = await store.fork('a', options)
    await spend(copy, 50)
    expect((await copy.usage()).promptTokens).toBe(150)
  }
  const fork = await store.fork('b', { as: 'd' })
  await spend(fork, 7)
  const own = { a: 100, b: 50, c: 50, d: 7 }
  const total = { promptTokens: 207, apiCalls: 5 }
  const check = async () => {
    expect(await ownTokens(store)).toEqual(own)
    expect((await printed(store, 'usage')).total).toMatchObject(total)
    for (const by of ['agent', 'model', 'day', 'session'])
      expect((await printed(store, 'usage', '--by', by)).total).toMatchObject(total)
    expect((await printed(store, 'usage', '--by', 'agent')).agents).toMatchObject([
      { agent: 'main', promptTokens: 167 },
      { agent: 'helper', promptTokens: 40 },
    ])
    expect((await printed(store, 'stats')).usage).toMatchObject(total)
    expect((await printed(store, 'stats')).models[0]).toMatchObject({ name: 'm', tokens: 207 })
    expect((await printed(store, 'usage', 'd')).total).toMatchObject({ promptTokens: 157, apiCalls: 4 })
  }
  await check()

  // nor does it change when messages go from the source, the forks, or their logs
  await source.clear()
  await store.session('b').removeLast()
  await store.session('b').rewrite()
  expect(await ownTokens(store)).toEqual(own)
  expect((await printed(store, 'usage')).total).toMatchObject(total)
  expect((await printed(store, 'stats')).usage).toMatchObject(total)
})

test('a header that names more than the log has makes no sum negative', async () => {
  const folder = tempFolder()
  const usage = { main: { promptTokens: 90, apiCalls: 3 }, other: { promptTokens: 5, apiCalls: 1 }, bad: 7 }
  const inherited = { through: 5, usage }
  const lines = [
    { type: 'session', version: 1, key: 'b', forkedFrom: 'a', inherited, id: 'h', at: '2026-11-21T07:00:00.000Z' },
    { role: 'assistant', content: 'x', usage: { promptTokens: 10 }, id: 'm', at: '2026-11-21T07:00:00.000Z' },
  ]
  fs.writeFileSync(`${folder}/b.jsonl`, `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`)
  const store = await open(folder)
  expect(await ownTokens(store)).toEqual({ b: 0 })
  await spend(store.session('b'), 4)
  expect(await ownTokens(store)).toEqual({ b: 0 })
  expect((await store.session('b').usage()).promptTokens).toBe(14)
})
