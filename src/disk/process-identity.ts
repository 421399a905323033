/** Which process, thread and copy of this package something belongs to, and whether it still lives. */
import fs from 'node:fs'
import os from 'node:os'
import { errno } from '../base/errors.js'
import { randomNonce } from '../base/ids.js'
import { isObject } from '../base/json.js'

/** A process, named so that a later one with the same number is not taken for it, and what in it owns something. */
export interface Owner {
  host: string
  /** The running kernel; '' where the system does not report it. */
  boot: string
  /** The pid namespace (containers); '' where there are none. */
  pidns: string
  pid: number
  /** When the process started, in the system's own unit; '' where the system does not report it. */
  start: string
  /** A copy of this package in a thread of the process. Absent in what versions before wrote. */
  instance?: string
  /** Of a worker thread: its number and its start, as the system reports them. */
  thread?: string
}

export type Liveness = 'alive' | 'dead' | 'unknown'

const self: Owner = ownIdentity()

export function thisProcess(): Owner {
  return self
}

function ownIdentity(): Owner {
  return {
    host: os.hostname(),
    boot: readText('/proc/sys/kernel/random/boot_id'),
    pidns: linkText('/proc/self/ns/pid'),
    pid: process.pid,
    start: startOf(process.pid),
    instance: randomNonce(),
    ...thisThread(),
  }
}

/** Empty for the main thread, which lives as long as the process, and where the system does not report threads. */
function thisThread(): { thread?: string } {
  const id = /^(\d+)\/task\/(\d+)$/.exec(linkText('/proc/thread-self'))
  return id === null || id[1] === id[2] ? {} : { thread: `${id[2]} ${startOf(process.pid, `task/${id[2]}/`)}` }
}

/**
 * `unknown` for a process that cannot be seen from here (another host, boot or container), and where the
 * system does not report when processes started: there a number alone may be a later process.
 */
export function livenessOf(owner: Owner): Liveness {
  const here = thisProcess()
  if (here.boot === '' ? owner.host !== here.host : owner.boot !== here.boot || owner.pidns !== here.pidns)
    return 'unknown'
  if (owner.pid === here.pid) return owner.start === here.start && hasThread(owner) ? 'alive' : 'dead'
  if (livenessOfPid(owner.pid) === 'dead') return 'dead'
  const start = startOf(owner.pid)
  if (start === '' || owner.start === '') return 'unknown'
  return start === owner.start && hasThread(owner) ? 'alive' : 'dead'
}

/** The same of the process of this host that has the number now. */
export function livenessOfPid(pid: number): Liveness {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (errno(error) === 'ESRCH') return 'dead'
  }
  return 'alive'
}

/** False for a worker thread that has ended; one that is blocked is still there. */
function hasThread({ pid, thread }: Owner): boolean {
  if (thread === undefined || thread === self.thread) return true
  const [id, start] = thread.split(' ')
  return startOf(pid, `task/${id}/`) === start
}

/** True for the same copy of this package in the same thread of the same process. */
export function isSameOwner(a: Owner, b: Owner): boolean {
  return (
    a.pid === b.pid &&
    a.instance === b.instance &&
    a.start === b.start &&
    a.boot === b.boot &&
    a.host === b.host &&
    a.pidns === b.pidns
  )
}

/** Time since the kernel started, ms: it passes at one pace when the clock is set, too. */
export function uptime(): number {
  return Math.round(os.uptime() * 1_000)
}

/** True when both were started under one running kernel and see the same processes, and so the same uptime. */
export function isSameBoot(a: Owner, b: Owner): boolean {
  return a.boot !== '' && a.boot === b.boot && a.pidns === b.pidns
}

export function isOwner(value: unknown): value is Owner {
  return (
    isObject(value) &&
    ['host', 'boot', 'pidns', 'start'].every((field) => typeof value[field] === 'string') &&
    ['instance', 'thread'].every((field) => ['string', 'undefined'].includes(typeof value[field])) &&
    Number.isSafeInteger(value.pid) &&
    (value.pid as number) > 0
  )
}

/** Clock ticks from boot to the start of a process or thread: the 22nd field of its stat file. A zombie has none. */
function startOf(pid: number, thread = ''): string {
  const stat = readText(`/proc/${pid}/${thread}stat`)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' ? 'gone' : (fields[19] ?? '')
}

function readText(file: string): string {
  try {
    return fs.readFileSync(file).toString().trim()
  } catch {
    return ''
  }
}

function linkText(file: string): string {
  try {
    return fs.readlinkSync(file)
  } catch {
    return ''
  }
}
