/** Lines of a clock that was ahead: a message of 2099 in a log. */
import fs from 'node:fs'
import { expect, test } from 'vitest'
import { open, tempFolder } from '../helpers/store.js'

const DAY = 86_400_000
const NOW = Date.parse('2026-11-28T12:00:00.000Z')
const at = (hours: number) => new Date(NOW + hours * 3_600_000).toISOString()

function foreign(folder: string, key: string, time: string): void {
  fs.appendFileSync(
    `${folder}/${key}.jsonl`,
    `${JSON.stringify({ role: 'user', content: 'x', at: time, id: 'm1' })}\n`,
    {
      mode: 0o600,
    },
  )
}

test('a time more than a day ahead of the clock is not taken over by later lines', async () => {
  const folder = tempFolder()
  const store = await open(folder, { now: () => NOW })
  foreign(folder, 'ann', '2099-01-01T00:00:00.000Z')
  foreign(folder, 'ben', at(23))
  foreign(folder, 'cid', at(25))
  const times = async (key: string) => {
    await store.session(key).append({ role: 'user', content: 'now' })
    await store.session(key).append({ role: 'user', content: 'then' })
    return (await store.session(key).messages()).map((message) => message.at)
  }
  expect(await times('ann')).toEqual(['2099-01-01T00:00:00.000Z', at(0), at(0)])
  // what another machine is ahead by stays in order
  expect(await times('ben')).toEqual([at(23), at(23), at(23)])
  expect(await times('cid')).toEqual([at(25), at(0), at(0)])
})

test('lists and cleanups take it for the time of the file, with a sidecar and without', async () => {
  const folder = tempFolder()
  let now = NOW
  const store = await open(folder, { now: () => now })
  foreign(folder, 'old', '2099-01-01T00:00:00.000Z')
  fs.utimesSync(`${folder}/old.jsonl`, (NOW - 2 * DAY) / 1000, (NOW - 2 * DAY) / 1000)
  await store.session('new').append({ role: 'user', content: 'y' })
  const isListed = async () => {
    expect((await store.list()).map(({ key }) => key)).toEqual(['new', 'old'])
    expect((await store.session('old').info())?.lastActivity).toEqual(new Date(NOW - 2 * DAY))
  }
  await isListed()
  const other = await open(folder, { now: () => now })
  expect((await other.list()).map(({ key }) => key)).toEqual(['new', 'old'])
  expect((await store.check()).findings).toMatchObject([{ kind: 'time-ahead', key: 'old', line: 1, isDamage: false }])
  now = NOW + 30 * DAY
  expect((await store.cleanup({ olderThan: 31 * DAY })).removed).toEqual(['old'])
})
