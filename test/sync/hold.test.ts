import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { start } from '../cli/run.js'
import { contents, fill, message, open, tempFolder, until } from '../helpers/store.js'
import { cli } from './machines.js'

test('hold runs a command while writers wait, and they continue after it', async () => {
  const folder = tempFolder()
  const store = await open(path.join(folder, 'sessions'))
  const [ann, bob] = [await fill(store, 'ann', ['one']), await fill(store, 'bob', ['one'])]
  const [begun, over] = [path.join(folder, 'begun'), path.join(folder, 'over')]
  const script = `touch '${begun}'; while [ ! -e '${over}' ]; do sleep 0.01; done; cp sessions/ann.jsonl seen`
  const holding = start(['hold', '--root', store.dir, '--', 'sh', '-c', script], { cwd: folder })
  await until(() => fs.existsSync(begun))
  const before = fs.readFileSync(ann.path, 'utf8')
  const writes = Promise.all([ann, bob].map((session) => session.append(message('two'))))
  expect(await Promise.race([writes, new Promise((resolve) => setTimeout(resolve, 200, 'waiting'))])).toBe('waiting')
  fs.writeFileSync(over, '')
  expect(await holding.done).toMatchObject({ code: 0, err: '' })
  await writes
  expect(fs.readFileSync(path.join(folder, 'seen'), 'utf8')).toBe(before)
  for (const session of [ann, bob]) expect(await contents(session)).toEqual(['one', 'two'])
})

test('hold exits with the code of its command, and fails for one that does not exist', () => {
  const root = path.join(tempFolder(), 'sessions')
  expect(cli(root, 'hold', '--root', root, '--', 'sh', '-c', 'exit 3', 'sh').code).toBe(3)
  const { code, err } = cli(root, 'hold', '--root', root, '--', 'no-such-program')
  expect(code).toBe(1)
  expect(err).toContain('no-such-program')
})

test('a signal to end goes to the command, and nothing is released before that has ended', async () => {
  const folder = tempFolder()
  const store = await open(path.join(folder, 'sessions'))
  const ann = await fill(store, 'ann', ['one'])
  const [begun, over] = [path.join(folder, 'begun'), path.join(folder, 'over')]
  const wait = 'while :; do sleep 0.01; done'
  const finish = `touch told; while [ ! -e '${over}' ]; do sleep 0.01; done; exit 5`
  const script = `trap "${finish}" TERM; touch '${begun}'; ${wait}`
  const holding = start(['hold', '--root', store.dir, '--', 'sh', '-c', script], { cwd: folder })
  await until(() => fs.existsSync(begun))
  holding.child.kill('SIGTERM')
  await until(() => fs.existsSync(path.join(folder, 'told')))
  const write = ann.append(message('two'))
  expect(await Promise.race([write, new Promise((resolve) => setTimeout(resolve, 200, 'waiting'))])).toBe('waiting')
  fs.writeFileSync(over, '')
  expect(await holding.done).toMatchObject({ code: 5, err: '' })
  await write
  expect(await contents(ann)).toEqual(['one', 'two'])
})
