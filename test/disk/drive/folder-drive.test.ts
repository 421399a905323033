import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { FolderDrive, lookAtDrive } from '../../../src/disk/drive/folder-drive.js'
import { System } from '../../../src/disk/platform/system.js'
import { isSessionError, openStore } from '../../../src/index.js'
import { patch } from '../../helpers/file-calls.js'
import { contents, fill, message, open, tempFolder, until } from '../../helpers/store.js'

/** The mount table names this drive for a folder and all below it. */
function mountAt(folder: string, type: string, source: string): void {
  patch('readFile', (call) => (file, ...args) => {
    if (file !== '/proc/self/mountinfo') return call(file, ...args)
    return Buffer.from(
      `22 1 254:0 / / rw - ext4 /dev/vda rw\n33 22 0:42 / ${fs.realpathSync(folder)} rw - ${type} ${source} rw\n`,
    )
  })
}

describe.runIf(process.platform === 'linux')('a network drive', () => {
  test('is refused, with what to do about it', async () => {
    const folder = tempFolder()
    mountAt(folder, 'fuse.glusterfs', '127.0.0.1:gv')
    const error = await openStore(path.join(folder, 'sessions')).catch((failed: unknown) => failed)
    if (!isSessionError(error, 'ERR_NETWORK_DRIVE')) throw error
    expect(error.details).toEqual({
      dir: path.join(folder, 'sessions'),
      type: 'fuse.glusterfs',
      source: '127.0.0.1:gv',
    })
    for (const part of ['network: true', '--network', 'check fs --peer', 'one machine']) {
      expect(error.message).toContain(part)
    }
    expect(fs.readdirSync(folder)).toEqual([])
  })

  test('is used where the option allows it, with appends under the lease', async () => {
    const folder = tempFolder()
    mountAt(folder, 'nfs4', 'nas:/export')
    const store = await open(folder, { network: true })
    const session = await fill(store, 'a', ['1', '2'])
    expect(await contents(session)).toEqual(['1', '2'])
    expect(fs.readdirSync(path.join(folder, '.locks'))).toContain('a')
  })

  test('appends without a lease are a wrong option there', async () => {
    await expect(openStore(tempFolder(), { network: true, appends: 'unleased' })).rejects.toThrow(TypeError)
    await expect(openStore(tempFolder(), { network: 1 as never })).rejects.toThrow(TypeError)
  })

  test('of an unknown drive a warning is given once, and appends take the lease', async () => {
    const folder = tempFolder()
    mountAt(folder, 'fuse.gocryptfs', '/home/ann/crypt')
    const warnings: Error[] = []
    const listener = (warning: Error) => warnings.push(warning)
    process.on('warning', listener)
    onTestFinished(() => void process.off('warning', listener))
    const store = await open(folder)
    await open(folder)
    await store.session('a').append(message('1'))
    await until(() => warnings.length > 0)
    expect(warnings.map(({ name, message: text }) => [name, text.includes(folder)])).toEqual([
      ['SessionStoreWarning', true],
    ])
    expect(fs.readdirSync(path.join(folder, '.locks'))).toContain('a')
  })
})

describe.runIf(process.platform === 'linux')('the drives of this machine', () => {
  test('the folders of tests are local, also one that does not exist yet', () => {
    expect(lookAtDrive(path.join(tempFolder(), 'a', 'b')).place).toBe('local')
  })

  test('where nothing says what it is, it is unknown', () => {
    const read = () => {
      throw new Error('no /proc')
    }
    const silent = Object.assign(new System(), { read, number: () => undefined })
    expect(lookAtDrive(tempFolder(), silent)).toMatchObject({ place: 'unknown', hasAtomicAppends: false })
    expect(lookAtDrive(tempFolder(), Object.assign(new System(), { read, number: () => 0x6969 })).place).toBe('network')
  })

  test('macOS is asked by its mount program', () => {
    const folder = fs.realpathSync(tempFolder())
    const mac = Object.assign(new System(), {
      platform: 'darwin',
      run: () => `/dev/disk3s1s1 on / (apfs, local)\n//nas/share on ${folder} (smbfs, nodev)\n`,
    })
    expect(lookAtDrive(folder, mac).place).toBe('network')
    expect(lookAtDrive(path.dirname(folder), mac).place).toBe('local')
  })

  // tmpfs, a bind mount and an overlay, as far as this process may mount
  test.each([
    ['tmpfs', (place: string) => ['-t', 'tmpfs', 'none', place]],
    ['bind', (place: string) => ['--bind', path.dirname(place), place]],
    [
      'overlay',
      (place: string) => {
        const [lower, upper, work] = ['lower', 'upper', 'work'].map((name) => path.join(path.dirname(place), name))
        for (const folder of [lower, upper, work]) fs.mkdirSync(folder as string)
        return ['-t', 'overlay', 'overlay', '-o', `lowerdir=${lower},upperdir=${upper},workdir=${work}`, place]
      },
    ],
  ])('a real mount is not refused: %s', async (_, argumentsFor) => {
    const place = path.join(tempFolder(), 'mount')
    fs.mkdirSync(place)
    try {
      execFileSync('mount', argumentsFor(place), { stdio: 'ignore' })
    } catch {
      process.stderr.write('not tested: this process may not mount\n')
      return
    }
    onTestFinished(() => void execFileSync('umount', ['-l', place]))
    expect(new FolderDrive(place).drive).toMatchObject({ place: 'local', hasAtomicAppends: true })
    const store = await open(place)
    expect(await contents(await fill(store, 'a', ['1']))).toEqual(['1'])
    await store.close()
  })
})
