/** A file system of its own that is full: without a byte, and without a name, for anything more. Root alone can mount one. */
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { openStore, type SessionStore } from '../../src/index.js'
import { CAN_MOUNT, onFileSystem, UNLESS_MOUNTED } from '../helpers/mount.js'
import { contents, filesIn, fill, locksIn, message, sleep, until } from '../helpers/store.js'

const LONG = 'x'.repeat(90_000)

/** Takes the last bytes, and the last names. */
function fillUp(folder: string): void {
  const filler = path.join(folder, 'filler')
  fs.mkdirSync(filler)
  const untilFull = (write: (i: number) => void) => {
    for (let i = 0; ; i++) {
      try {
        write(i)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return
        throw error
      }
    }
  }
  for (const bytes of [4096, 1]) untilFull(() => fs.appendFileSync(`${filler}/0`, Buffer.alloc(bytes, 'x')))
  untilFull((i) => fs.writeFileSync(`${filler}/${i}`, '', { flag: 'a' }))
}

/** Runs `work` in a store of which sessions d and e are in the trash, on a disk that has just become full. */
async function onFullDisk(work: (store: SessionStore, filler: string) => Promise<void>): Promise<void> {
  await onFileSystem('size=1m,nr_inodes=120,mode=700', async (place) => {
    const store = await openStore(path.join(place, 'sessions'), { lockTimeout: 2_000 })
    for (const key of ['a', 'b', 'c', 'd', 'e']) await fill(store, key, ['one', LONG, 'three'])
    for (const key of ['d', 'e']) await store.session(key).trash()
    for (const key of ['a', 'b', 'c']) await store.session(key).removeLast()
    // no lease is held any more
    await until(() => locksIn(store.dir).length === 0, 10_000)
    fillUp(place)
    await expect(store.session('b').append(message(LONG))).rejects.toMatchObject({ code: 'ENOSPC' })
    await work(store, path.join(place, 'filler'))
    await store.close().catch(() => {})
  })
}

describe.skipIf(!CAN_MOUNT)(`on a full disk${UNLESS_MOUNTED}`, () => {
  test('sessions go to the trash, are deleted, and the trash is purged', async () => {
    await onFullDisk(async (store) => {
      expect(await store.session('b').trash()).not.toBeNull()
      expect(await store.session('c').delete()).toBe(true)
      expect((await store.purgeTrash({ olderThan: 0 })).purged.map(({ key }) => key).sort()).toEqual(['b', 'd', 'e'])
      expect(await store.keys()).toEqual(['a'])
      await store.session('a').append(message('there is room again'))
      expect(await contents(store.session('a'))).toEqual(['one', LONG, 'there is room again'])
    })
  })

  test('each of these by itself', async () => {
    for (const free of [
      (store: SessionStore) => store.session('c').delete(),
      (store: SessionStore) => store.purgeTrash({ olderThan: 0 }).then(({ purged }) => purged.length === 2),
      (store: SessionStore) => store.cleanup({ olderThan: 0 }).then(({ removed }) => removed.length === 3),
    ])
      await onFullDisk(async (store) => {
        await sleep(5)
        expect(await free(store)).toBe(true)
      })
  })

  test('a rewrite says how many bytes it needs, and leaves the log and the folder as they were', async () => {
    await onFullDisk(async (store, filler) => {
      const log = fs.readFileSync(store.session('a').path)
      const before = filesIn(store.dir)
      const error: unknown = await store
        .session('a')
        .rewrite()
        .catch((one) => one)
      expect(error).toMatchObject({ code: 'ENOSPC', needed: expect.any(Number) })
      const { needed, message: text } = error as Error & { needed: number }
      expect(text).toContain(`${needed} bytes`)
      expect(needed).toBeGreaterThan(LONG.length)
      expect(needed).toBeLessThan(log.length)
      expect(fs.readFileSync(store.session('a').path)).toEqual(log)
      expect(filesIn(store.dir)).toEqual(before)
      fs.rmSync(filler, { recursive: true })
      expect((await store.session('a').rewrite())?.dropped).toBeGreaterThan(0)
    })
  })
})
