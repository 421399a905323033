import path from 'node:path'
import { expect, test } from 'vitest'
import { leaseOf } from '../../src/disk/lease.js'
import { sleep, tempFolder } from '../helpers/store.js'

test('work that waits long behind work of its own process is not told that the session is locked', async () => {
  const locks = path.join(tempFolder(), '.locks')
  const lease = leaseOf(path.join(locks, 'a'), path.join(locks, '.waiting'))
  const done: number[] = []
  const work = (n: number) => async () => {
    await sleep(60)
    done.push(n)
  }
  await Promise.all([1, 2, 3, 4].map((n) => lease.run(work(n), 20)))
  expect(done).toEqual([1, 2, 3, 4])
  await lease.release()
})
