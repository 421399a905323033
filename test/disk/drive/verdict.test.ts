import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import type { Drive } from '../../../src/disk/drive/mount-table.js'
import { probeAlone, probeWithPeer } from '../../../src/disk/drive/probe.js'
import { type Measured, verdictOf } from '../../../src/disk/drive/verdict.js'
import { patch } from '../../helpers/file-calls.js'
import { codeOf, tempFolder } from '../../helpers/store.js'

const GOOD: Measured = {
  ...{ races: 10, won: 10, wonByBoth: 0, staleView: 3, writeBuffer: 1, watches: true, staleTries: 3, stale: 0 },
}
const EXT4: Drive = { place: 'local', hasAtomicAppends: true, type: 'ext4', source: '/dev/vda' }
const NFS: Drive = { place: 'network', hasAtomicAppends: false, type: 'nfs4', source: 'nas:/export' }
const FUSE: Drive = { place: 'unknown', hasAtomicAppends: false, type: 'fuse.x', source: 'x' }

test.each([
  ['a local disk', GOOD, EXT4, true, 'local'],
  ['the same with a peer', GOOD, EXT4, false, 'local'],
  ['a network drive alone', GOOD, NFS, true, 'network'],
  ['an unknown drive', GOOD, FUSE, true, 'network'],
  ['a peer that is seen late', { ...GOOD, staleView: 1_004 }, EXT4, false, 'network'],
  ['a peer that writes late', { ...GOOD, writeBuffer: 102 }, FUSE, false, 'network'],
  ['a peer that is not heard', { ...GOOD, watches: false }, EXT4, false, 'network'],
  ['stale handles', { ...GOOD, stale: 3 }, EXT4, false, 'network'],
  ['two winners', { ...GOOD, won: 9, wonByBoth: 1 }, NFS, false, 'refuse'],
  ['no winner', { ...GOOD, won: 8 }, EXT4, true, 'refuse'],
  ['a peer that is not seen', { ...GOOD, staleView: null }, NFS, false, 'refuse'],
  ['a slow machine alone', { ...GOOD, staleView: 200 }, EXT4, true, 'local'],
] as const)('%s', (_, measured, drive, isAlone, verdict) => {
  expect(verdictOf(measured, drive, isAlone).verdict).toBe(verdict)
})

test('a probe of this disk finds one winner in each race, and leaves nothing', async () => {
  const folder = tempFolder()
  expect(await probeAlone(folder)).toMatchObject({ won: 10, wonByBoth: 0, stale: 0, watches: true })
  expect(fs.readdirSync(folder)).toEqual([])
})

test('a drive on which both win is found out', async () => {
  const folder = tempFolder()
  patch('rename', (call) => (from: string, to: string) => {
    if (path.basename(to).startsWith('lock-')) fs.rmSync(to, { recursive: true, force: true })
    return call(from, to)
  })
  const measured = await probeAlone(folder)
  expect(measured.wonByBoth).toBe(10)
  expect(verdictOf(measured, EXT4, true).verdict).toBe('refuse')
})

test('without a peer it ends, and leaves nothing', async () => {
  const folder = tempFolder()
  expect(await codeOf(probeWithPeer(folder, 20))).toBe('ETIMEDOUT')
  expect(fs.readdirSync(folder)).toEqual([])
})
