import path from 'node:path'
import { expect, test } from 'vitest'
import { patch } from '../../helpers/file-calls.js'
import { open } from '../../helpers/store.js'

test('a folder of run logs that another process makes at the same moment is no error', async () => {
  const store = await open()
  let made = 0
  patch('mkdir', (call) => (folder: string, ...rest: unknown[]) => {
    if (path.basename(folder) === '.running' && made++ === 0) call(folder, ...rest)
    return call(folder, ...rest)
  })
  const session = store.session('a')
  await session.setState('running', 't')
  expect(made).toBe(1)
  expect(await session.state()).toMatchObject({ state: 'running', turnId: 't' })
})
