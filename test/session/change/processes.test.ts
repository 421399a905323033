import { expect, test } from 'vitest'
import { ended, messageOf, start } from '../../helpers/child.js'
import { open, randomOf, sleep, tempFolder } from '../../helpers/store.js'

const KILLS = 8

test('a change of several lines is there whole or not at all, whenever its process is killed, beside appends of others', async () => {
  const folder = tempFolder()
  const store = await open(folder)
  const session = store.session('a')
  const next = randomOf(1)
  let appended = 0
  for (let kill = 0; kill < KILLS; kill++) {
    const child = start('changer.mjs', [folder])
    let told = await messageOf<number>(child)
    child.on('message', (n) => {
      told = Number(n)
    })
    let isRunning = true
    const beside = (async () => {
      for (; isRunning; appended++) await session.append({ role: 'assistant', content: `beside ${appended}` })
    })()
    await sleep(next() * 60)
    child.kill('SIGKILL')
    await ended(child)
    isRunning = false
    await beside
    const messages = await session.messages()
    const contents = messages.filter(({ role }) => role === 'user').map(({ content }) => content)
    const count = (await session.getValue<number>('n')) ?? 0
    expect(contents).toEqual(Array.from({ length: count }, (_, n) => `${n + 1}`))
    expect(count).toBeGreaterThanOrEqual(told)
    expect(messages.filter(({ role }) => role === 'assistant').map(({ content }) => content)).toEqual(
      Array.from({ length: appended }, (_, n) => `beside ${n}`),
    )
  }
  expect(await session.check()).toMatchObject({ damage: [], duplicates: 0 })
})
