/** File systems that a test mounts for itself. Only root may, and not in every container. */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { IS_ROOT } from './other-user.js'

/** An empty folder, in which a file system in memory is mounted for as long as `work` takes. */
export async function onFileSystem(options: string, work: (place: string) => Promise<void>): Promise<void> {
  const place = fs.mkdtempSync(path.join(os.tmpdir(), 'jsonl-sessions-mount-'))
  try {
    mount(['-t', 'tmpfs', '-o', options, 'tmpfs', place])
    await work(place)
  } finally {
    unmount(place)
    fs.rmdirSync(place)
  }
}

/** @throws Error with what `mount` says */
export function mount(args: readonly string[]): void {
  const { status, stderr, error } = spawnSync('mount', args, { encoding: 'utf8' })
  if (status !== 0) throw error ?? new Error(`mount ${args.join(' ')}: ${stderr}`)
}

/** Takes the name away at once, though files may be open. */
export function unmount(place: string): void {
  spawnSync('umount', ['-l', place])
}

async function canMount(): Promise<boolean> {
  if (!IS_ROOT) return false
  return onFileSystem('size=64k', async () => {}).then(
    () => true,
    () => false,
  )
}

export const CAN_MOUNT = await canMount()
/** For the titles of tests. */
export const UNLESS_MOUNTED = CAN_MOUNT ? '' : ' (skipped: only root, where it may mount, has a file system of its own)'
