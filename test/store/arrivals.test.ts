/** Logs, blobs and sidecars that a sync brings in any order: nothing that travels is removed by opening, listing, appending. */
import fs from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { JsonlRuntimePersistence } from '../../src/contracts/runtime-persistence/index.js'
import { openStore } from '../../src/index.js'
import { MAIN, run } from '../cli/run.js'
import { commit, FULL, G, replaceFull } from '../conformance/runtime-persistence/scene.js'
import { during } from '../helpers/file-calls.js'
import { codeOf, fill, message, open, tempFolder } from '../helpers/store.js'

const KEY = 'alpha'
const CHECKPOINT = { checkpoint: { executionState: new Uint8Array(64).fill(7) } }

/** A store of an agent, closed. */
async function sourceOf(): Promise<string> {
  const folder = tempFolder()
  const store = await openStore(folder)
  await new JsonlRuntimePersistence(store, KEY).commitRuntimeState(commit(null, replaceFull(G), CHECKPOINT))
  await store.close()
  return folder
}

/** The files that make the session, as steps in which they arrive. */
function stepsFrom(source: string): string[] {
  const names = fs.readdirSync(source, { recursive: true, encoding: 'utf8' })
  return names.filter((name) => name.startsWith(KEY) && fs.statSync(path.join(source, name)).isFile()).sort()
}

function arrive(from: string, to: string, name: string): void {
  fs.mkdirSync(path.dirname(path.join(to, name)), { recursive: true })
  fs.copyFileSync(path.join(from, name), path.join(to, name))
}

const WORK = ['open', 'list', 'append to another session', 'recover', 'gc of the session', 'nothing'] as const

test('a session that arrives file by file, in any order and beside any work, is whole', async () => {
  const source = await sourceOf()
  const steps = stepsFrom(source)
  expect(steps).toHaveLength(4)
  const order = fc.shuffledSubarray(steps, { minLength: steps.length })
  const beside = fc.array(fc.constantFrom(...WORK), { minLength: steps.length, maxLength: steps.length })
  await fc.assert(
    fc.asyncProperty(order, beside, async (names, works) => {
      const folder = tempFolder()
      const store = await openStore(folder)
      for (const [i, name] of names.entries()) {
        arrive(source, folder, name)
        const work = works[i]
        if (work === 'open') await (await openStore(folder)).close()
        if (work === 'list') await store.list()
        if (work === 'append to another session') await store.session('other').append(message('x'))
        if (work === 'recover') await store.recover({ action: 'idle' })
        if (work === 'gc of the session') await codeOf(new JsonlRuntimePersistence(store, KEY).gcUnreachable())
      }
      const read = await new JsonlRuntimePersistence(store, KEY).loadSession(FULL)
      expect([...(read?.checkpoint?.executionState ?? [])]).toEqual([...CHECKPOINT.checkpoint.executionState])
      await store.close()
    }),
    { numRuns: Number(process.env.LAW_RUNS ?? 40), seed: 1 },
  )
})

test('the first messages of a session leave blobs that are there already', async () => {
  const source = await sourceOf()
  const folder = tempFolder()
  const blobs = stepsFrom(source).filter((name) => name.includes('.blobs'))
  for (const name of blobs) arrive(source, folder, name)
  await fill(await open(folder), KEY, ['1'])
  for (const name of blobs) expect(fs.existsSync(path.join(folder, name))).toBe(true)
})

test.skipIf(!fs.existsSync(MAIN))('no command removes blobs whose log is not there yet', async () => {
  const folder = tempFolder()
  const blob = path.join(folder, 'agent-9.blobs', 'a'.repeat(64))
  fs.mkdirSync(path.dirname(blob))
  fs.writeFileSync(blob, 'x')
  const commands = [
    ['list'],
    ['check'],
    ['check', '--fix'],
    ['recover', '--as', 'idle'],
    ['gc', '--all'],
    ['compact', '--all'],
  ]
  for (const command of commands) {
    await run(['--root', folder, ...command])
    expect([command, fs.existsSync(blob)]).toEqual([command, true])
  }
  // what has not been touched for a day is no arrival
  const longAgo = new Date(Date.now() - 2 * 24 * 3_600_000)
  fs.utimesSync(path.dirname(blob), longAgo, longAgo)
  await run(['--root', folder, 'check', '--fix'])
  expect(fs.readFileSync(path.join(folder, '.quarantine', 'agent-9', 'agent-9.blobs', 'a'.repeat(64)), 'utf8')).toBe(
    'x',
  )
})

test('opening costs the same however many left-overs lie around, and they are gone after a recovery', async () => {
  const folder = tempFolder()
  const former = await openStore(folder)
  await fill(former, 'kept', ['1'])
  await former.session('kept').setState('idle')
  await former.close()
  const sidecar = fs.readFileSync(path.join(folder, 'kept.meta.json'), 'utf8')
  const count = async () => {
    let calls = 0
    const counting =
      (call: (...args: never[]) => unknown) =>
      (...args: never[]) => {
        calls++
        return call(...args)
      }
    const store = await during('open', counting as never, () =>
      during('unlink', counting as never, () => openStore(folder)),
    )
    return { store, calls }
  }
  const before = await count()
  await before.store.close()
  for (let i = 0; i < 200; i++)
    fs.writeFileSync(path.join(folder, `gone${i}.meta.json`), sidecar.replace('"kept"', `"gone${i}"`))
  const { store, calls } = await count()
  expect(calls).toBe(before.calls)
  await store.recover()
  await store.close()
  expect(fs.readdirSync(folder).filter((name) => name.startsWith('gone'))).toEqual([])
})

test('the closing of a store ends its sweep', async () => {
  const folder = tempFolder()
  const former = await openStore(folder)
  await fill(former, 'kept', ['1'])
  await former.close()
  const sidecar = fs.readFileSync(path.join(folder, 'kept.meta.json'), 'utf8')
  for (let i = 0; i < 300; i++)
    fs.writeFileSync(path.join(folder, `gone${i}.meta.json`), sidecar.replace('"kept"', `"gone${i}"`))
  const store = await openStore(folder)
  await store.close()
  expect(fs.readdirSync(path.join(folder, '.locks')).filter((name) => name.startsWith('gone'))).toEqual([])
  expect(fs.readdirSync(folder).filter((name) => name.startsWith('gone')).length).toBeGreaterThan(0)
})
