/** What other stores do to the trash while a session is moved there or back. */
import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { type Call, during, following } from '../helpers/file-calls.js'
import { codeOf, contents, fill, open, sleep, tempFolder } from '../helpers/store.js'

async function storeWithTrash() {
  const folder = tempFolder()
  const store = await open(folder)
  await fill(store, 'a', ['1', '2'])
  await sleep(5)
  await store.cleanup({ olderThan: 0 })
  const [entry] = await store.trash()
  return { folder, store, id: entry!.id }
}

test('a restore succeeds while a store opens and sweeps the folder', async () => {
  const { folder, store, id } = await storeWithTrash()
  const sweeping = (rename: Call) => (from: string, to: string) => {
    return following(rename(from, to), () => {
      if (to === store.session('a').path) fs.rmdirSync(path.dirname(from))
    })
  }
  expect(await during('rename', sweeping, () => store.restore(id))).toBe('a')
  expect(await contents(store.session('a'))).toEqual(['1', '2'])
  expect(fs.readdirSync(path.join(folder, '.trash'))).toEqual([])
})

test('a cleanup succeeds while a store sweeps the folder before the log is in it', async () => {
  const store = await open()
  await fill(store, 'a', ['1', '2'])
  await sleep(5)
  let sweeps = 0
  const sweeping = (rename: Call) => (from: string, to: string) => {
    if (from === store.session('a').path && sweeps++ === 0) fs.rmdirSync(path.dirname(to))
    return rename(from, to)
  }
  const { removed, failed } = await during('rename', sweeping, () => store.cleanup({ olderThan: 0 }))
  expect({ removed, failed }).toMatchObject({ removed: ['a'], failed: [] })
  expect(sweeps).toBe(2)
  const [entry] = await store.trash()
  await store.restore(entry!.id)
  expect(await contents(store.session('a'))).toEqual(['1', '2'])
})

test('what is purged at the same time is either back or purged, and the result says which', async () => {
  const { store, id } = await storeWithTrash()
  const [purge, code] = await Promise.all([store.purgeTrash({ olderThan: 0 }), codeOf(store.restore(id))])
  expect(purge.failed).toEqual([])
  if (code === undefined) {
    expect(purge.purged).toEqual([])
    expect(await contents(store.session('a'))).toEqual(['1', '2'])
  } else {
    expect(code).toBe('ERR_SESSION_NOT_FOUND')
    expect(purge.purged.map((entry) => entry.id)).toEqual([id])
    expect(await store.session('a').info()).toBe(null)
  }
  expect(await store.trash()).toEqual([])
})
