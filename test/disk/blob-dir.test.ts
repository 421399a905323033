import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { BlobDir, refOf } from '../../src/disk/blob-dir.js'
import { during } from '../helpers/file-calls.js'
import { sleep, tempFolder } from '../helpers/store.js'

test('a blob that was verified is not read again until its file changes', async () => {
  const blobs = new BlobDir(path.join(tempFolder(), 'a.blobs'))
  const bytes = Buffer.from('content')
  const ref = await refOf(bytes)
  const file = path.join(blobs.folder, ref)
  expect(await blobs.put(ref, bytes)).toBe(true)
  await sleep(150)
  expect(await blobs.put(ref, bytes)).toBe(false)
  const never = () => () => {
    throw new Error('it is read')
  }
  await during('open', never, async () => expect(await blobs.put(ref, bytes)).toBe(false))
  const { atime, mtime } = fs.statSync(file)
  fs.writeFileSync(file, 'CONTENT')
  fs.utimesSync(file, atime, mtime)
  expect(await blobs.put(ref, bytes)).toBe(true)
  expect(fs.readFileSync(file)).toEqual(bytes)
})
