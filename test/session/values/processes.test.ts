import { expect, test } from 'vitest'
import { messageOf, start } from '../../helpers/child.js'
import { open, tempFolder } from '../../helpers/store.js'

const COUNT = 200

test('two processes of 200 increments make 400; of two that set a name once, one does; no value is lost', async () => {
  const folder = tempFolder()
  const children = [1, 2].map(() => start('counter.mjs', [folder, String(COUNT)]))
  await Promise.all(children.map((child) => messageOf(child)))
  const done = children.map((child) => messageOf<{ mine: number[] }>(child))
  for (const child of children) child.send('go')
  const mine = (await Promise.all(done)).flatMap((each) => each.mine)
  expect(mine.sort((a, b) => a - b)).toEqual(Array.from({ length: COUNT }, (_, n) => n))
  const session = (await open(folder)).session('a')
  expect(await session.getValue('n')).toBe(2 * COUNT)
  for (const { pid } of children) for (let n = 0; n < COUNT; n++) expect(await session.getValue(`${pid} ${n}`)).toBe(n)
  expect(await session.check()).toMatchObject({ damage: [], duplicates: 0, values: 1 + 3 * COUNT })
})
