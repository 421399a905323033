/** Which process, thread and copy of this package something belongs to, and whether it still lives. */
import os from 'node:os'
import { isMainThread } from 'node:worker_threads'
import { errno } from '../base/errors.js'
import { randomNonce } from '../base/ids.js'
import { isObject } from '../base/json.js'
import { type System, thisSystem } from './platform/system.js'

/** A process, named so that a later one with the same number is not taken for it, and what in it owns something. */
export interface Owner {
  host: string
  /** The running kernel; '' where the system does not report it. */
  boot: string
  /** The pid namespace (containers); '' where there are none. */
  pidns: string
  pid: number
  /** When the process started: clock ticks since the boot; where there is no /proc, Unix milliseconds. */
  start: string
  /** A copy of this package in a thread of the process. Absent in what versions before wrote. */
  instance?: string
  /** Of a worker thread: its number and its start, as the system reports them, or `?` where it does not. */
  thread?: string
}

/** The thread of a worker on a system that does not report threads. */
const UNSEEN = '?'
/** `ps` reports whole seconds, and computes them, ms. */
const START_TOLERANCE_MS = 2_000

export type Liveness = 'alive' | 'dead' | 'unknown'

const self: Owner = ownIdentity()

export function thisProcess(): Owner {
  return self
}

/** This thread of this process, as it is named to others. */
export function ownIdentity(system: System = thisSystem): Owner {
  const boot = textOf(() => system.read('/proc/sys/kernel/random/boot_id'))
  return {
    host: os.hostname(),
    boot,
    pidns: textOf(() => system.link('/proc/self/ns/pid')),
    pid: process.pid,
    start: boot === '' ? String(Math.ceil(performance.timeOrigin)) : startOf(process.pid, system),
    instance: randomNonce(),
    ...thisThread(system),
  }
}

/** Empty for the main thread, which lives as long as the process. */
function thisThread(system: System): { thread?: string } {
  const id = /^(\d+)\/task\/(\d+)$/.exec(textOf(() => system.link('/proc/thread-self')))
  if (id === null) return isMainThread ? {} : { thread: UNSEEN }
  return id[1] === id[2] ? {} : { thread: `${id[2]} ${startOf(process.pid, system, `task/${id[2]}/`)}` }
}

/**
 * `unknown` for a process that cannot be seen from here (another host, boot or container), and where the
 * system does not report when processes started: there a number alone may be a later process.
 */
export function livenessOf(owner: Owner, here: Owner = self, system: System = thisSystem): Liveness {
  if (owner.boot !== here.boot || owner.pidns !== here.pidns) return 'unknown'
  if (here.boot === '' && owner.host !== here.host) return 'unknown'
  if (owner.pid !== here.pid || owner.start !== here.start) {
    if (livenessOfPid(owner.pid) === 'dead') return 'dead'
    const isOwner = isStillOwner(owner, here, system)
    if (isOwner !== true) return isOwner === false ? 'dead' : 'unknown'
  }
  return livenessOfThread(owner, here, system)
}

/** Whether the process that has the number now is the one that wrote this; undefined where that is not known. */
function isStillOwner({ pid, start }: Owner, here: Owner, system: System): boolean | undefined {
  if (start === '') return undefined
  if (here.boot !== '') {
    const now = startOf(pid, system)
    return now === '' ? undefined : now === start
  }
  const began = system.startOf(pid)
  if (typeof began !== 'number') return began === 'gone' ? false : undefined
  // a later process with the number began after this one, which measures its start itself, has ended
  return began <= Number(start) + START_TOLERANCE_MS
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

/** A worker thread may have ended; one that is blocked is still there. */
function livenessOfThread({ pid, thread, instance }: Owner, here: Owner, system: System): Liveness {
  if (thread === undefined || instance === here.instance) return 'alive'
  if (thread === UNSEEN) return 'unknown'
  const [id, start] = thread.split(' ')
  return startOf(pid, system, `task/${id}/`) === start ? 'alive' : 'dead'
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
function startOf(pid: number, system: System, thread = ''): string {
  const stat = textOf(() => system.read(`/proc/${pid}/${thread}stat`))
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' ? 'gone' : (fields[19] ?? '')
}

/** '' where the system has no such text. */
function textOf(read: () => string): string {
  try {
    return read().trim()
  } catch {
    return ''
  }
}
