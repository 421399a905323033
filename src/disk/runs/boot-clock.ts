/**
 * What the clock showed when the kernel had run for so long: `.running/.clock`. With it a process that starts after
 * the clock was set can tell how much time has really passed. Only good under the same kernel, and only a help: a
 * store on a drive that several hosts use has the mark of the last one that opened it.
 */
import fs from 'node:fs'
import path from 'node:path'
import { randomNonce } from '../../base/ids.js'
import { isObject } from '../../base/json.js'
import { createPrivate, readSmall, removeFile, writeAll } from '../files.js'
import type { Layout } from '../layout.js'
import { isOwner, isSameBoot, thisProcess } from '../process-identity.js'

export interface ClockMark {
  /** Unix milliseconds. */
  clock: number
  /** Milliseconds since the kernel started. */
  uptime: number
}

function markFile(layout: Layout): string {
  return path.join(layout.running, '.clock')
}

/** The mark of the kernel that runs, if there is one. */
export function readClockMark(layout: Layout): ClockMark | undefined {
  const content = readSmall(markFile(layout))
  if (content === undefined) return undefined
  try {
    const value: unknown = JSON.parse(content.bytes.toString())
    if (!isObject(value) || !isOwner(value.owner) || !isSameBoot(value.owner, thisProcess())) return undefined
    const { clock, uptime } = value
    return typeof clock === 'number' && typeof uptime === 'number' ? { clock, uptime } : undefined
  } catch {
    return undefined
  }
}

export function writeClockMark(layout: Layout, { clock, uptime }: ClockMark): void {
  const file = markFile(layout)
  const made = path.join(layout.running, `.clock.${randomNonce()}.tmp`)
  const fd = createPrivate(made)
  try {
    writeAll(fd, Buffer.from(`${JSON.stringify({ clock, uptime, owner: thisProcess() })}\n`))
    fs.renameSync(made, file)
  } catch (error) {
    removeFile(made)
    throw error
  } finally {
    fs.closeSync(fd)
  }
}
