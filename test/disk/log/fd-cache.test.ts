import fs from 'node:fs'
import { expect, test } from 'vitest'
import { RemoteStore } from '../../helpers/child.js'
import { contents, open, tempFolder } from '../../helpers/store.js'

/** How many logs of the folder a process has open. */
function openLogs(pid: number, folder: string): number {
  const files = fs.readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return fs.readlinkSync(`/proc/${pid}/fd/${fd}`)
    } catch {
      return ''
    }
  })
  return files.filter((file) => file.startsWith(folder) && file.endsWith('.jsonl')).length
}

test.runIf(process.platform === 'linux')('logs take at most a quarter of the descriptors there are', async () => {
  const folder = tempFolder()
  const remote = await RemoteStore.open(folder, {}, ['prlimit', '--nofile=240'])
  const keys = Array.from({ length: 100 }, (_, i) => `k${i}`)
  for (const content of ['1', '2']) for (const key of keys) await remote.append(key, content)
  expect(openLogs(remote.child.pid as number, folder)).toBe(60)
  await remote.call('close')
  const store = await open(folder)
  for (const key of keys) expect(await contents(store.session(key))).toEqual(['1', '2'])
})

test.runIf(process.platform === 'linux')('where there are plenty, logs in use stay open', async () => {
  const folder = tempFolder()
  const remote = await RemoteStore.open(folder, {}, ['prlimit', '--nofile=4096'])
  for (const content of ['1', '2']) for (let i = 0; i < 200; i++) await remote.append(`k${i}`, content)
  expect(openLogs(remote.child.pid as number, folder)).toBe(200)
})
