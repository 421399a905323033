import fs from 'node:fs'
import { expect, test } from 'vitest'
import { openStore } from '../../src/index.js'
import { bareLine, open, tempFolder } from '../helpers/store.js'

test('without an index a search finds the same, and writes none', async () => {
  const folder = tempFolder()
  for (let i = 0; i < 300; i++) fs.writeFileSync(`${folder}/many${i}.jsonl`, bareLine(`here speaks number ${i}.`))
  const store = await openStore(folder, { search: { index: false } })
  expect((await store.search('"number 217."')).map(({ key }) => key)).toEqual(['many217'])
  expect(await store.search('zither')).toEqual([])
  await store.close()
  expect(fs.existsSync(`${folder}/.index/search-3`)).toBe(false)
  const indexed = await open(folder)
  expect((await indexed.search('"number 217."')).map(({ key }) => key)).toEqual(['many217'])
  await indexed.close()
  expect(fs.existsSync(`${folder}/.index/search-3`)).toBe(true)
})
