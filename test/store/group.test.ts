/** The option `mode`: who may read what a store writes. */
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { JsonlRuntimePersistence } from '../../src/contracts/runtime-persistence/index.js'
import { openStore } from '../../src/index.js'
import { commit, G, replaceFull } from '../conformance/runtime-persistence/scene.js'
import { messageOf, start } from '../helpers/child.js'
import { buildForAll, IS_ROOT, NOBODY } from '../helpers/other-user.js'
import { fill, message, open, tempFolder } from '../helpers/store.js'

const modeOf = (place: string) => (fs.statSync(place).mode & 0o777).toString(8)

async function storeOf(mode: 'private' | 'group'): Promise<string> {
  const folder = path.join(tempFolder(), 'sessions')
  const store = await openStore(folder, { mode })
  await fill(store, 'a', ['one', 'two', 'three'])
  await store.session('a').setState('error', 't')
  await store.session('a').removeLast()
  await store.session('a').rewrite()
  await store.fork('a', { as: 'c' })
  await new JsonlRuntimePersistence(store, 'alpha').commitRuntimeState(commit(null, replaceFull(G), {}))
  await store.close()
  return folder
}

test('is private unless given', async () => {
  const folder = await storeOf('private')
  for (const name of fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    expect([name, modeOf(path.join(folder, name))]).toEqual([
      name,
      name.match(/\.(jsonl|json)$|\/[0-9a-f]{64}$|list-2$|\/\.reserve\/\d+$/) ? '600' : '700',
    ])
  expect(modeOf(folder)).toBe('700')
})

test('group opens the folder, logs and blobs, also when they are rewritten by a store without the option', async () => {
  const folder = await storeOf('group')
  const store = await open(folder)
  await store.session('c').append(message('x'))
  await store.session('c').removeLast()
  await store.session('c').rewrite()
  expect(modeOf(folder)).toBe('750')
  for (const name of ['a', 'c', 'alpha']) expect(modeOf(path.join(folder, `${name}.jsonl`))).toBe('640')
  const blobs = path.join(folder, 'alpha.blobs')
  expect(modeOf(blobs)).toBe('750')
  for (const name of fs.readdirSync(blobs)) expect(modeOf(path.join(blobs, name))).toBe('640')
  expect(modeOf(path.join(folder, 'a.meta.json'))).toBe('600')
  const { findings } = await store.check()
  expect(findings.filter(({ kind }) => kind === 'permissions')).toEqual([])
})

test('what others than the group may read is still a finding', async () => {
  const folder = await storeOf('group')
  fs.chmodSync(path.join(folder, 'a.jsonl'), 0o644)
  const { findings } = await (await open(folder)).check()
  expect(findings.filter(({ kind }) => kind === 'permissions').map(({ file }) => path.basename(file!))).toEqual([
    'a.jsonl',
  ])
})

const build = buildForAll(['other-user.mjs'])

describe.skipIf(!IS_ROOT)('a second user of the group (skipped: only root can become one)', () => {
  test('reads all, and writes nothing', async () => {
    const folder = await storeOf('group')
    for (const place of [
      path.dirname(folder),
      folder,
      ...fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => path.join(folder, name)),
    ])
      fs.chownSync(place, 0, NOBODY)
    fs.chmodSync(path.dirname(folder), 0o750)
    const before = fs.readFileSync(path.join(folder, 'a.jsonl'))
    const reads = [['messages'], ['tail', 1], ['info'], ['check'], ['search', 'two'], ['keys'], ['list']]
    const writes = [['append', message('new')], ['setName', 'n'], ['removeLast'], ['rewrite']]
    const child = start(build.script('other-user.mjs'), [folder, `${NOBODY}`, JSON.stringify([...reads, ...writes])])
    const outcome = await messageOf<Record<string, { code?: string }>>(child)
    const failed = Object.entries(outcome).filter(([, value]) => value?.code !== undefined)
    expect(failed.map(([name, { code }]) => [name, code])).toEqual(writes.map(([name]) => [name, 'EACCES']))
    expect(outcome.messages).toMatchObject([{ content: 'one' }, { content: 'two' }])
    expect(fs.readFileSync(path.join(folder, 'a.jsonl'))).toEqual(before)
  })

  test('reads nothing of a private one', async () => {
    const folder = await storeOf('private')
    fs.chownSync(folder, 0, NOBODY)
    fs.chmodSync(path.dirname(folder), 0o755)
    const child = start(build.script('other-user.mjs'), [folder, `${NOBODY}`, JSON.stringify([['messages']])])
    expect(await messageOf(child)).toMatchObject({ open: { code: 'EACCES' } })
  })
})
