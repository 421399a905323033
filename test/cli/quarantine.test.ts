/** `quarantine`: what is there, what it holds, and how lines come back. */
import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { openStore } from '../../src/index.js'
import { fill } from '../helpers/store.js'
import { folder, messagesOf, run } from './run.js'

test('a bad line that a check took out is listed, shown, mended and taken back', async () => {
  const root = path.join(await folder(), 'sessions')
  const cli = (...args: string[]) => run([...args, '--root', root])
  expect(await cli('quarantine', 'list')).toMatchObject({ code: 0, out: '' })
  const store = await openStore(root)
  await fill(store, 'ann', ['one'])
  await store.close()
  fs.appendFileSync(path.join(root, 'ann.jsonl'), '{"role":"user","content":"by hand\\n')
  expect(await cli('quarantine', 'list')).toEqual({ code: 0, out: '', err: 'nothing is in quarantine\n' })
  expect((await cli('check', '--fix')).code).toBe(0)

  const { files } = JSON.parse((await cli('quarantine', 'list', '--json')).out)
  expect(files).toMatchObject([{ key: 'ann', id: expect.stringMatching(/^ann\/\d+-[0-9a-f]{16}\.bin$/) }])
  const [{ id, file, bytes }] = files
  expect((await cli('quarantine', 'list')).out).toContain(id)
  expect((await cli('quarantine', 'show', 'ann/')).out).toHaveLength(bytes)
  expect((await cli('quarantine', 'show', 'ann')).out).toContain('by hand')

  const refused = await cli('quarantine', 'restore', id)
  expect(refused).toMatchObject({ code: 1, out: '' })
  expect(refused.err).toContain(`mend them in ${file}`)
  fs.writeFileSync(file, '{"role":"user","content":"by hand"}\n')
  expect(await cli('quarantine', 'restore', id)).toEqual({ code: 0, out: 'ann: 1 line came back\n', err: '' })
  expect(new Set((await messagesOf(root, 'ann')).map(({ content }) => content))).toEqual(new Set(['one', 'by hand']))
  expect(fs.existsSync(file)).toBe(false)
  expect(await cli('quarantine', 'restore', id)).toMatchObject({ code: 3, out: '' })
})
