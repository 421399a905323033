/** Sums of a session's messages and tokens by agent, day, model and role. */
import { expect, test } from 'vitest'
import { message, open } from '../../helpers/store.js'

test('stats counts messages that are there, and tokens of all that ever were', async () => {
  let now = new Date(2026, 10, 27, 12).getTime()
  const store = await open(undefined, { now: () => now })
  const session = store.session('ann')
  expect(await session.stats()).toBeNull()
  const usage = { promptTokens: 10, completionTokens: 2 }
  await session.append(message('one'))
  const id = await session.append({ role: 'assistant', content: 'a', model: 'small', usage })
  now += 86_400_000
  await session.append({ role: 'assistant', content: 'b', model: 'large', agent: 'helper', usage })
  await session.remove(id)

  const all = await session.stats()
  expect(Object.fromEntries(all!.messages.role)).toEqual({ user: 1, assistant: 1 })
  expect(Object.fromEntries(all!.messages.day)).toEqual({ '2026-11-27': 1, '2026-11-28': 1 })
  expect(Object.fromEntries(all!.messages.model)).toEqual({ '(unknown)': 1, large: 1 })
  expect([...all!.usage.model.keys()]).toEqual(['small', 'large'])
  expect(all!.usage.day.get('2026-11-27')).toMatchObject({ promptTokens: 10, apiCalls: 1 })

  const today = await session.stats({ since: new Date(2026, 10, 28) })
  expect(Object.fromEntries(today!.messages.agent)).toEqual({ helper: 1 })
  expect([...today!.usage.day.keys()]).toEqual(['2026-11-28'])

  await session.rewrite()
  const left = await session.stats()
  expect(left!.usage.day.get('(rewritten)')).toMatchObject({ promptTokens: 10, completionTokens: 2, apiCalls: 1 })
  expect(left!.usage.agent.get('main')).toMatchObject({ apiCalls: 1 })
  await expect(session.stats({ since: now / 1000 })).rejects.toThrow(RangeError)
})
