/** Many locks at once: what is kept of them stays, and giving them back lets others have their turn. */
import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { addHeld, removeHeld } from '../../../src/disk/lock/held-leases.js'
import { LockFolder } from '../../../src/disk/lock/lock-folder.js'
import { clearWhile } from '../../../src/disk/lock/spare-locks.js'
import { tempFolder, until } from '../../helpers/store.js'

/** More than spares are kept. */
const MANY = 1_026

test('a lock that is given back when there are spares enough goes, and the spares stay until they are removed', async () => {
  const locks = path.join(tempFolder(), '.locks')
  fs.mkdirSync(locks)
  const all = Array.from({ length: MANY }, (_, i) => new LockFolder(path.join(locks, `s${i}`), `${locks}/.waiting`))
  for (const lock of all) lock.mkdir('', (error) => expect(error).toBe(null))
  const spares = () => fs.readdirSync(path.join(locks, '.spare')).filter((name) => /^[0-9a-f]{16}$/.test(name)).length
  const counts = all.map((lock) => {
    lock.rmdir('', (error) => expect(error).toBe(null))
    return lock.held
  })
  expect(counts.every((held) => !held)).toBe(true)
  expect(fs.readdirSync(locks).filter((name) => !name.startsWith('.'))).toEqual([])
  expect(spares()).toBe(1_024)
  await clearWhile(() => true)
  expect(spares()).toBe(0)
})

test('leases that fall idle together are given back in slices', async () => {
  const turns: number[] = []
  let turn = 0
  const counting = setInterval(() => turn++, 1)
  for (let i = 0; i < 20; i++) {
    addHeld('here', `${i}`, {
      giveWay() {},
      restIfIdle() {
        const end = performance.now() + 4
        while (performance.now() < end);
        turns.push(turn)
        removeHeld('here', `${i}`)
        return true
      },
    })
  }
  await until(() => turns.length === 20)
  clearInterval(counting)
  expect(new Set(turns).size).toBeGreaterThan(4)
})
