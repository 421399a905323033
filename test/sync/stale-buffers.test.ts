/** An editor writes back what it read earlier: the lines that the log then lacks are reported. */
import fs from 'node:fs'
import { expect, test } from 'vitest'
import type { LostReport, Session } from '../../src/index.js'
import { following, patch } from '../helpers/file-calls.js'
import { contents, fill, message, open, sleep, tempFolder } from '../helpers/store.js'

async function openWatched(key: string): Promise<{ session: Session; lost: LostReport[]; old: Buffer }> {
  const lost: LostReport[] = []
  const store = await open(tempFolder(), { onLost: (report) => lost.push(report) })
  const session = await fill(store, key, ['one'])
  const old = fs.readFileSync(session.path)
  await session.append(message('two'))
  return { session, lost, old }
}

/** All that was written is there again when what was reported has been merged. */
async function expectBack(session: Session, lost: LostReport[], texts: string[]): Promise<void> {
  expect(lost.length).toBeGreaterThan(0)
  for (const { kept } of lost) await session.merge(kept)
  expect((await contents(session)).sort()).toEqual([...texts].sort())
}

test.each(['a', 'An encoded key'])('%s: the log was read, or written to, while it was empty', async (key) => {
  for (const meanwhile of ['read', 'written'] as const) {
    const { session, lost, old } = await openWatched(key)
    // a header of the same millisecond would be no older
    await sleep(5)
    fs.truncateSync(session.path)
    if (meanwhile === 'read') expect((await session.info())?.messages).toBe(0)
    else await session.append(message('meanwhile'))
    fs.writeFileSync(session.path, old)
    await session.append(message('three'))
    expect(await contents(session)).toEqual(['one', 'three'])
    await expectBack(session, lost, ['one', 'two', 'three', ...(meanwhile === 'written' ? ['meanwhile'] : [])])
  }
})

test.each(['a', 'An encoded key'])('%s: the log was created again while its path was absent', async (key) => {
  const { session, lost, old } = await openWatched(key)
  fs.unlinkSync(session.path)
  await sleep(5)
  await session.append(message('meanwhile'))
  fs.writeFileSync(session.path, old)
  await session.append(message('three'))
  expect(await contents(session)).toEqual(['one', 'three'])
  await expectBack(session, lost, ['one', 'two', 'meanwhile', 'three'])
})

test('the last message was written twice, since the log was replaced during the write', async () => {
  const { session, lost, old } = await openWatched('a')
  let left = 1
  const restore = patch('write', (write) => (fd: number, bytes: Buffer, ...rest: number[]) => {
    return following(write(fd, bytes, ...rest), (count) => {
      if (Buffer.isBuffer(bytes) && bytes.includes('"rescued"') && left-- > 0) {
        fs.copyFileSync(session.path, `${session.path}.new`)
        fs.truncateSync(`${session.path}.new`, old.length)
        fs.renameSync(`${session.path}.new`, session.path)
      }
      return count
    })
  })
  await session.append(message('rescued'))
  restore()
  expect(await contents(session)).toEqual(['one', 'rescued'])
  fs.writeFileSync(session.path, old)
  await session.append(message('three'))
  await expectBack(session, lost, ['one', 'two', 'rescued', 'three'])
})

test('an older buffer is saved over a log that a newer one was saved over', async () => {
  const { session, lost, old } = await openWatched('a')
  await session.append(message('three'))
  const newer = fs.readFileSync(session.path)
  await session.append(message('four'))
  fs.writeFileSync(session.path, newer)
  expect((await session.info())?.messages).toBe(3)
  fs.writeFileSync(session.path, old)
  expect((await session.info())?.messages).toBe(1)
  await session.append(message('five'))
  expect(lost.map(({ messages }) => messages)).toEqual([1, 2])
  await expectBack(session, lost, ['one', 'two', 'three', 'four', 'five'])
})
