/** The first sidecar of a session in which nothing ran: made without the lease, and never in the place of another. */
import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { sidecarFromText } from '../../../src/disk/sidecar/sidecar-file.js'
import { during, systemError } from '../../helpers/file-calls.js'
import { fill, open, tempFolder } from '../../helpers/store.js'

const sidecarOf = (folder: string) => path.join(folder, 'a.meta.json')
const read = (folder: string) => sidecarFromText(fs.readFileSync(sidecarOf(folder), 'utf8'))

/** Closes a store in which a session has two messages, with `act` at the moment when its sidecar is opened. */
async function closeWith(act: (folder: string) => void): Promise<string> {
  const folder = tempFolder()
  const store = await open(folder)
  await fill(store, 'a', ['1', '2'])
  let isDone = false
  const acting =
    (call: (...args: never[]) => unknown) =>
    (...args: never[]) => {
      if (!isDone && String(args[0]).startsWith(sidecarOf(folder))) {
        isDone = true
        act(folder)
      }
      return call(...args)
    }
  await during('open', acting as never, () => store.close())
  expect(isDone).toBe(true)
  return folder
}

test('takes no lease, and keeps the room for deletions', async () => {
  const folder = await closeWith(() => {})
  expect(read(folder)).toMatchObject({ key: 'a', run: null, summary: { messages: 2 } })
  expect(fs.readdirSync(path.join(folder, '.locks'))).toEqual(['.reserve'])
})

test('one that another process makes at that moment is replaced under the lease, its run state stays', async () => {
  const run = { state: 'error', turnId: 't', since: '2026-11-21T07:00:00.000Z', n: 4 }
  const owner = { host: 'other', boot: 'b', pidns: 'p', pid: 1, start: '1', instance: 'i' }
  let made: ReturnType<typeof read> = null
  const folder = await closeWith((at) => {
    const [first = ''] = fs.readFileSync(path.join(at, 'a.jsonl'), 'utf8').split('\n')
    const { state, turnId: turn, since, n } = run
    const text = { key: 'a', state, turn, since, run: { session: JSON.parse(first).id, owner, n } }
    fs.writeFileSync(sidecarOf(at), JSON.stringify(text))
    made = read(at)
  })
  expect(made).toMatchObject({ run })
  expect(read(folder)).toMatchObject({ run, summary: { messages: 2 } })
})

test('of a session that is deleted at that moment, nothing stays', async () => {
  const folder = await closeWith((at) => fs.rmSync(path.join(at, 'a.jsonl')))
  expect(fs.readdirSync(folder).filter((name) => !name.startsWith('.'))).toEqual([])
})

test('one that cannot be written is taken away', async () => {
  const folder = tempFolder()
  const failures: unknown[] = []
  const store = await open(folder, { onError: (error) => failures.push(error) })
  await fill(store, 'a', ['1'])
  const failing = () => () => {
    throw systemError('ENOSPC')
  }
  await during('write', failing as never, () => store.close())
  expect(failures).toMatchObject([{ code: 'ENOSPC' }])
  expect(fs.existsSync(sidecarOf(folder))).toBe(false)
})
