/** What other stores do to the trash while a session is moved there or back. */
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { JsonlRuntimePersistence } from '../../src/contracts/runtime-persistence/index.js'
import type { SessionStore } from '../../src/index.js'
import { commit, FULL, G, replaceFull } from '../conformance/runtime-persistence/scene.js'
import { type Call, during, following, patch } from '../helpers/file-calls.js'
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

test('what another store appends after that is not in the trash as well', async () => {
  const folder = tempFolder()
  const [bot, other] = [await open(folder), await open(folder)]
  const session = await fill(bot, 'a', ['1', '2'])
  await sleep(5)
  await other.cleanup({ olderThan: 0 })
  await session.append({ role: 'user', content: '3' })
  const [entry] = await other.trash()
  expect(await contents(session)).toEqual(['3'])
  await other.session('a').delete()
  await other.restore(entry!.id)
  expect(await contents(session)).toEqual(['1', '2'])
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

describe('blobs of an agent', () => {
  const CHECKPOINT = { checkpoint: { executionState: new Uint8Array(64).fill(7) } }

  async function agentIn(folder: string) {
    const store = await open(folder)
    const agent = new JsonlRuntimePersistence(store, 'alpha')
    await agent.commitRuntimeState(commit(null, replaceFull(G), CHECKPOINT))
    return store
  }

  const stateIn = async (store: SessionStore) => {
    const read = await new JsonlRuntimePersistence(store, 'alpha').loadSession(FULL)
    return [...(read?.checkpoint?.executionState ?? [])]
  }

  /** Fails once, at the nth rename of the blobs. */
  const failing =
    (isAt: (from: string) => boolean) =>
    (rename: Call) =>
    (...[from, to]: string[]) => {
      if (isAt(from as string)) throw Object.assign(new Error('injected'), { code: 'EIO' })
      return rename(from, to)
    }

  test('follow a log whose move to the trash failed after it, also where a new life of the key came and went', async () => {
    const folder = tempFolder()
    const store = await agentIn(folder)
    const isBlobs = (from: string) => from.endsWith('alpha.blobs')
    expect(await during('rename', failing(isBlobs), () => codeOf(store.session('alpha').trash()))).toBe('EIO')
    await store.session('alpha').append({ role: 'user', content: 'anew' })
    expect(await store.session('alpha').delete()).toBe(true)
    const [entry] = await store.trash()
    await store.restore(entry!.id)
    expect(await stateIn(store)).toEqual([...CHECKPOINT.checkpoint.executionState])
  })

  test('stay in the trash when a restore fails, and come back with the next', async () => {
    const folder = tempFolder()
    const store = await agentIn(folder)
    const id = await store.session('alpha').trash()
    const toLog =
      (link: Call) =>
      (...[from, to]: string[]) => {
        if (to === store.session('alpha').path) throw Object.assign(new Error('injected'), { code: 'EIO' })
        return link(from, to)
      }
    expect(await during('link', toLog, () => codeOf(store.restore(id!)))).toBe('EIO')
    await store.session('alpha').append({ role: 'user', content: 'anew' })
    await store.session('alpha').delete()
    await store.restore(id!)
    expect(await stateIn(store)).toEqual([...CHECKPOINT.checkpoint.executionState])
  })

  test('stay with a log that comes into the trash while another store sweeps the folder', async () => {
    const folder = tempFolder()
    const store = await agentIn(folder)
    const id = '0192f0c1-2d3e-7f40-8a5b-6c7d8e9f0a1b'
    const entry = path.join(folder, '.trash', `alpha~${id}`)
    fs.mkdirSync(entry, { recursive: true })
    let moves = 0
    /** The rest of a move whose folder is there, right behind the check that it has no log. */
    const moving = (lstat: Call) => (file: string, options: unknown) =>
      following(lstat(file, options), (stat) => {
        if (file === path.join(entry, 'alpha.jsonl') && moves++ === 0) {
          for (const end of ['jsonl', 'blobs'])
            fs.renameSync(path.join(folder, `alpha.${end}`), path.join(entry, `alpha.${end}`))
        }
        return stat
      })
    // a move holds the lease
    await store.hold(() => during('lstat', moving, () => open(folder)))
    expect(moves).toBeGreaterThan(0)
    await store.restore(id)
    expect(await stateIn(store)).toEqual([...CHECKPOINT.checkpoint.executionState])
  })

  test('go with a session whose deletion was cut off, when the folder is opened next', async () => {
    const folder = tempFolder()
    const store = await agentIn(folder)
    const ofBlobs =
      (remove: Call) =>
      (...[file, options]: unknown[]) => {
        if (String(file).endsWith('alpha.blobs')) throw Object.assign(new Error('injected'), { code: 'EIO' })
        return remove(file, options)
      }
    const deleting = () => during('rm', ofBlobs, () => codeOf(store.session('alpha').delete()))
    expect(await deleting()).toBe('EIO')
    expect(await store.keys()).toEqual([])
    await store.close()
    await (await open(folder)).close()
    const left = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' })
    expect(left.filter((name) => name.includes('alpha'))).toEqual([])
  })
})

test('a deletion takes along what another process puts into the quarantine at that moment', async () => {
  const folder = tempFolder()
  const store = await open(folder)
  const session = await fill(store, 'a', ['1'])
  const quarantine = path.join(folder, '.quarantine', 'a')
  fs.mkdirSync(quarantine, { recursive: true, mode: 0o700 })
  let attempts = 0
  const late =
    (remove: Call) =>
    (...[file, options]: unknown[]) => {
      if (file === quarantine && ++attempts === 1) {
        fs.writeFileSync(path.join(quarantine, 'lost.jsonl'), '')
        fs.rmdirSync(quarantine)
      }
      return remove(file, options)
    }
  await during('rm', late, async () => expect(await session.delete()).toBe(true))
  expect(attempts).toBe(2)
  expect(fs.readdirSync(path.join(folder, '.quarantine'))).toEqual([])
})

test("with fsync 'always' a restored log leaves the trash once it is safe in its place", async () => {
  const store = await open(tempFolder(), { fsync: 'always' })
  await fill(store, 'a', ['1'])
  const id = await store.session('a').trash()
  const calls: string[] = []
  for (const name of ['link', 'fsync', 'unlink']) {
    patch(name, (call) => (...args) => {
      if (name === 'fsync' || args.some((file) => String(file).endsWith('a.jsonl'))) calls.push(name)
      return call(...args)
    })
  }
  await store.restore(id as string)
  expect(calls.slice(calls.lastIndexOf('link'))).toEqual(['link', 'fsync', 'unlink', 'fsync'])
})
