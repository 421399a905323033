import { beforeEach, describe, expect, test } from 'vitest'
import { openStore } from '../../../src/index.js'
import { folder, run } from '../run.js'

const DAY = 86_400_000
const NOW = Date.parse('2026-11-28T12:00:00.000Z')
let root: string

const cli = (...args: string[]) => run([...args, '--root', root], { env: { TZ: 'Europe/Rome' } })
const answer = (promptTokens: number, completionTokens: number, more: object) => ({
  ...{ role: 'assistant', content: 'x', usage: { promptTokens, completionTokens } },
  ...more,
})

/** Two days and two models; one message is removed, and one was rewritten away. */
beforeEach(async () => {
  root = `${await folder()}/sessions`
  let now = NOW - 2 * DAY
  const store = await openStore(root, { now: () => now })
  const ann = store.session('ann')
  await ann.append({ role: 'user', content: 'x' })
  await ann.append(answer(100, 10, { model: 'small' }))
  await ann.removeLast()
  await ann.rewrite()
  now = Date.parse('2026-11-27T23:30:00.000Z')
  await ann.append(answer(200, 20, { model: 'small', agent: 'scout' }))
  await ann.removeLast()
  now = NOW
  await store.session('bob').append(answer(40, 4, { model: 'large' }))
  await store.close()
})

describe('usage', () => {
  test('by day is in local time; of what a rewrite took out the day is not known', async () => {
    const { code, out, err } = await cli('usage', '--by', 'day', '--json')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const { total, days } = JSON.parse(out)
    expect(total.totalTokens).toBe(374)
    expect(days.map(({ day, totalTokens, apiCalls }: Record<string, unknown>) => [day, totalTokens, apiCalls])).toEqual(
      [
        ['(rewritten)', 110, 1],
        ['2026-11-28', 264, 2],
      ],
    )
    expect((await cli('usage', '--by', 'day')).err).toContain('(rewritten): messages that a rewrite took out')
  })

  test('by model, of one session, since a day or an age', async () => {
    const rows = async (...args: string[]) => {
      const { models } = JSON.parse((await cli('usage', '--by', 'model', '--json', ...args)).out)
      return models.map(({ model, totalTokens }: Record<string, unknown>) => [model, totalTokens])
    }
    expect(await rows()).toEqual([
      ['small', 220],
      ['(rewritten)', 110],
      ['large', 44],
    ])
    expect(await rows('bob')).toEqual([['large', 44]])
    expect(await rows('--since', '2026-11-28')).toEqual([
      ['small', 220],
      ['large', 44],
    ])
    expect(await rows('--since', '2026-11-29')).toEqual([])
    const ages = await cli('usage', '--since', '99999d', '--json')
    expect(JSON.parse(ages.out).total.totalTokens).toBe(264)
    for (const time of ['2026-02-30', 'soon', '3'])
      expect(await cli('usage', '--since', time)).toMatchObject({ code: 2, out: '' })
  })
})

describe('stats', () => {
  test('of a store: totals, days, agents, models, the largest logs', async () => {
    const { code, out, err } = await cli('stats')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(
      /^sessions {7}2\nmessages {7}2 \(1 assistant, 1 user\)\ntokens {9}374 \(340 prompt, 34 completion\) in 3 calls/,
    )
    for (const line of [/^2026-11-28 +1 +264 +#+$/m, /^scout +0 +220 +#+$/m, /^large +1 +44 +#+$/m, /^LARGEST LOGS/m])
      expect(out).toMatch(line)
  })

  test('of one session, and as JSON', async () => {
    const { out } = await cli('stats', 'bob')
    expect(out).toContain('session        bob\n')
    expect(out).not.toContain('LARGEST')
    const json = JSON.parse((await cli('stats', 'ann', '--json')).out)
    expect(json).toMatchObject({ sessions: 1, messages: 1, roles: [{ name: 'user', messages: 1 }] })
    expect(json.models).toContainEqual({ name: 'small', messages: 0, tokens: 220 })
    expect(await cli('stats', 'nobody')).toMatchObject({ code: 3, out: '' })
  })
})
