import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { pickNames } from '../../src/disk/directory.js'
import { during, systemError } from '../helpers/file-calls.js'
import { tempFolder } from '../helpers/store.js'

const COUNT = 1_000
const all = (name: string) => name

/** A folder with more names than one call fetches. */
function folderOfMany(): { folder: string; names: string[] } {
  const folder = tempFolder()
  const names = Array.from({ length: COUNT }, (_, i) => `n${String(i).padStart(4, '0')}`)
  for (const name of names) fs.writeFileSync(path.join(folder, name), '')
  return { folder, names }
}

test('each name is passed once, and what is not picked is left out', async () => {
  const { folder, names } = folderOfMany()
  expect((await pickNames(folder, all)).sort()).toEqual(names)
  expect(await pickNames(folder, (name) => (name === 'n0007' ? 7 : undefined))).toEqual([7])
})

test('a missing folder has no names; what is no folder or cannot be read is an error', async () => {
  const { folder } = folderOfMany()
  expect(await pickNames(path.join(folder, 'none'), all)).toEqual([])
  await expect(pickNames(path.join(folder, 'n0000'), all)).rejects.toThrow(/ENOTDIR/)
  const failing = () => () => {
    throw systemError('EIO')
  }
  await during('opendir', failing, () => expect(pickNames(folder, all)).rejects.toThrow(/EIO/))
})

/** Folders whose reading fails after some names. */
function breakingOff(code: string) {
  return (original: (...args: unknown[]) => unknown) =>
    (...args: unknown[]) => {
      const dir = original(...args) as fs.Dir
      const read = dir.readSync.bind(dir)
      let left = COUNT / 2
      dir.readSync = () => {
        if (left-- === 0) throw systemError(code)
        return read()
      }
      return dir
    }
}

test('a file that is removed before Node stats it does not hide the others', async () => {
  const { folder, names } = folderOfMany()
  await during('opendir', breakingOff('ENOENT'), async () => {
    expect((await pickNames(folder, all)).sort()).toEqual(names)
  })
})

test('an I/O error in the middle is an error, not the end of the names', async () => {
  const { folder } = folderOfMany()
  await during('opendir', breakingOff('EIO'), () => expect(pickNames(folder, all)).rejects.toThrow(/EIO/))
})
