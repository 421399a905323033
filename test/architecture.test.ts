import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const src = fileURLToPath(new URL('../src', import.meta.url))
const files = fs
  .readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.split(path.sep).join('/'))

const importsOf = (file: string) =>
  [...fs.readFileSync(path.join(src, file), 'utf8').matchAll(/(?:from|import\()\s*'([^']+)'/g)].map(
    ([, from]) => from ?? '',
  )

/** Higher layers may import lower ones, never the other way round. */
const LAYERS: Array<[name: string, layer: RegExp]> = [
  ['base', /^base\//],
  ['log', /^log\//],
  ['disk', /^disk\//],
  ['one session', /^(session|graph)\/|^runs\/crash\.ts$/],
  ['many sessions', /^(list|search|runs|retention|check|store)\/|^index\.ts$/],
  ['faces', /^(cli|contracts)\//],
]

const layerOf = (file: string) => LAYERS.findIndex(([, layer]) => layer.test(file))

describe('the layers', () => {
  test('every file belongs to one', () => {
    expect(files.filter((file) => layerOf(file) === -1)).toEqual([])
  })

  test('dependencies point downwards', () => {
    const upward = files.flatMap((file) =>
      importsOf(file)
        .filter((from) => from.startsWith('.'))
        .map((from) => path.posix.join(path.posix.dirname(file), from).replace(/\.js$/, '.ts'))
        .filter((target) => layerOf(target) > layerOf(file))
        .map((target) => `${file} imports ${target}`),
    )
    expect(upward).toEqual([])
  })

  test('log/ is pure, and only disk/ touches the disk', () => {
    const touching = files.filter((file) => importsOf(file).some((from) => /^node:fs/.test(from)))
    expect(touching.filter((file) => !file.startsWith('disk/') && !file.startsWith('cli/'))).toEqual([])
  })

  test('each package comes in by one door', () => {
    const doors = new Map<string, string[]>()
    for (const file of files) {
      for (const from of new Set(importsOf(file))) {
        if (from.startsWith('.') || from.startsWith('node:')) continue
        doors.set(from, [...(doors.get(from) ?? []), file])
      }
    }
    expect(Object.fromEntries(doors)).toEqual({
      chokidar: ['runs/watcher.ts'],
      commander: expect.arrayContaining([expect.stringMatching(/^cli\//)]),
      'proper-lockfile': ['disk/lock/lease.ts'],
      'string-width': [expect.stringMatching(/^cli\//)],
      uuidv7: ['base/ids.ts'],
      'write-file-atomic': ['disk/atomic-replace.ts'],
    })
  })

  test('no file is longer than a noun should be', () => {
    const long = files.filter((file) => fs.readFileSync(path.join(src, file), 'utf8').split('\n').length > 320)
    expect(long).toEqual([])
  })
})
