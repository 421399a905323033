/**
 * What a drive promises, found out by two peers that meet in a folder of it: on two machines, or both in this process,
 * which can say less. They wait for each other by files, which they see by listing the folder.
 */
import fs from 'node:fs'
import path from 'node:path'
import { errno, isStale } from '../../base/errors.js'
import { sleep } from '../../base/event-loop.js'
import { randomNonce } from '../../base/ids.js'
import { createPrivate, readSmall, removeFile, statFile, writeAll } from '../files.js'
import { ensureFolder, listFolder, removeEmptyFolder, removeTree } from '../folders.js'
import type { Measured } from './verdict.js'

const POLL_MS = 5
/** What is not seen after this time is not seen at all, ms. */
const UNSEEN_MS = 5_000
/** How long a peer waits for the next step of the other, ms. */
const STEP_MS = 30_000
const WATCH_MS = 700
const RACES = 10
const GROWTHS = 2
const STALE_TRIES = 3

/** Meets the peer that another call of this makes within `wait` ms. @throws SyntaxError, Error with code ETIMEDOUT */
export async function probeWithPeer(folder: string, wait: number): Promise<Measured> {
  return new Peer(folder).run(wait)
}

/** Both peers in this process: what needs no other machine to fail. */
export async function probeAlone(folder: string): Promise<Measured> {
  const [measured] = await Promise.all([new Peer(folder).run(STEP_MS), new Peer(folder).run(STEP_MS)])
  return measured
}

/** The folder in which peers of a store meet; it goes when they are done. */
export function meetingPlace(root: string): string {
  return path.join(root, '.fs-check')
}

class Peer {
  readonly #folder: string
  readonly #nonce = randomNonce()
  #isFirst = false

  constructor(root: string) {
    this.#folder = meetingPlace(root)
  }

  async run(wait: number): Promise<Measured> {
    ensureFolder(this.#folder)
    try {
      await this.#meet(wait)
      const measured = {
        races: RACES,
        ...(await this.#race()),
        staleView: await this.#grow('synced', true),
        writeBuffer: await this.#grow('written', false),
        watches: await this.#watch(),
        staleTries: STALE_TRIES,
        stale: await this.#renames(),
      }
      // the second peer has looked, the first has acted
      if (!this.#isFirst) this.#put('result', JSON.stringify(measured))
      await this.#step('end')
      const result = readSmall(path.join(this.#folder, 'result'))?.bytes.toString()
      await this.#step('read')
      return JSON.parse(result ?? '') as Measured
    } finally {
      this.#clear()
    }
  }

  async #meet(wait: number): Promise<void> {
    // what a peer that was killed has left is older than the file of this one
    this.#put(`peer.${this.#nonce}`)
    const now = fs.statSync(this.#place(`peer.${this.#nonce}`)).mtimeMs
    for (const name of listFolder(this.#folder)) {
      const stat = fs.lstatSync(this.#place(name), { throwIfNoEntry: false })
      if (stat !== undefined && now - stat.mtimeMs > STEP_MS * 4) removeTree(this.#place(name))
    }
    const peers = () => listFolder(this.#folder).filter((name) => /^peer\.[0-9a-f]{16}$/.test(name))
    await this.#until(() => peers().length > 1, 'no peer came: run the same on another machine', wait)
    const found = peers().sort()
    if (found.length > 2) throw timeout(`more than two peers meet in ${this.#folder}: remove it, and run two`)
    this.#isFirst = found[0] === `peer.${this.#nonce}`
  }

  #place(name: string): string {
    return path.join(this.#folder, name)
  }

  #put(name: string, text = ''): void {
    const fd = createPrivate(this.#place(name))
    try {
      writeAll(fd, Buffer.from(text))
    } finally {
      fs.closeSync(fd)
    }
  }

  async #until(isDone: () => boolean, what: string, ms = STEP_MS): Promise<void> {
    const end = performance.now() + ms
    while (!isDone()) {
      if (performance.now() > end) throw timeout(what)
      await sleep(POLL_MS)
    }
  }

  /** Resolves when both peers have come here. */
  async #step(name: string): Promise<void> {
    this.#put(`${name}.${this.#isFirst ? 1 : 2}`)
    const other = `${name}.${this.#isFirst ? 2 : 1}`
    await this.#until(() => listFolder(this.#folder).includes(other), `the other peer does not come to ${name}`)
  }

  /** Both rename a folder to one name, as a lease is taken. */
  async #race(): Promise<{ won: number; wonByBoth: number }> {
    const counts = { won: 0, wonByBoth: 0 }
    for (let i = 0; i < RACES; i++) {
      const ready = this.#place(`ready-${i}.${this.#nonce}`)
      fs.mkdirSync(ready, { mode: 0o700 })
      this.#put(path.join(path.basename(ready), this.#nonce))
      await this.#step(`race-${i}`)
      try {
        fs.renameSync(ready, this.#place(`lock-${i}`))
        this.#put(`won-${i}.${this.#nonce}`)
      } catch (error) {
        if (!['ENOTEMPTY', 'EEXIST', 'EPERM', 'EACCES'].includes(errno(error) ?? '') && !isStale(error)) throw error
      }
      await this.#step(`raced-${i}`)
      const winners = listFolder(this.#folder).filter((name) => name.startsWith(`won-${i}.`)).length
      if (winners === 1) counts.won++
      if (winners > 1) counts.wonByBoth++
    }
    return counts
  }

  /** How long the second does not see what the first has written, ms; null where it never does. */
  async #grow(name: string, synced: boolean): Promise<number | null> {
    const file = this.#place(`${name}.grows`)
    if (this.#isFirst) this.#put(path.basename(file), 'x')
    await this.#step(name)
    const fd = this.#isFirst ? fs.openSync(file, fs.constants.O_WRONLY | fs.constants.O_APPEND) : undefined
    let longest: number | null = 0
    try {
      for (let i = 0; i < GROWTHS; i++) {
        const before = sizeOf(file)
        await this.#step(`${name}-${i}`)
        if (fd !== undefined) {
          writeAll(fd, Buffer.from('x'.repeat(100)))
          if (synced) fs.fsyncSync(fd)
        } else longest = longer(longest, await this.#seenAfter(file, before, synced))
        await this.#step(`${name}-seen-${i}`)
      }
    } finally {
      if (fd !== undefined) fs.closeSync(fd)
    }
    return longest
  }

  async #seenAfter(file: string, before: number, isLookAlone: boolean): Promise<number | null> {
    const began = performance.now()
    for (;;) {
      // a list of the folder refreshes what is known of its files: without it caches show, with it only the writer's buffer
      if (!isLookAlone) listFolder(this.#folder)
      const took = performance.now() - began
      if (sizeOf(file) > before) return took
      if (took > UNSEEN_MS) return null
      await sleep(POLL_MS)
    }
  }

  async #watch(): Promise<boolean> {
    let heard = false
    const watcher = this.#isFirst
      ? undefined
      : fs.watch(this.#folder, { persistent: false }, (_, name) => {
          heard ||= name === 'watched'
        })
    watcher?.on('error', () => {})
    try {
      await this.#step('watch')
      if (this.#isFirst) this.#put('watched')
      for (const end = performance.now() + WATCH_MS; !this.#isFirst && !heard && performance.now() < end; )
        await sleep(POLL_MS)
      await this.#step('watched-by')
    } finally {
      watcher?.close()
    }
    return heard
  }

  /** How often a rename to a name that the other has used and freed fails with a stale handle. */
  async #renames(): Promise<number> {
    let stale = 0
    for (let i = 0; i < STALE_TRIES; i++) {
      const target = `name-${i}`
      const fill = (name: string) => {
        fs.mkdirSync(this.#place(name), { mode: 0o700 })
        this.#put(path.join(name, 'x'))
      }
      if (this.#isFirst) fill(target)
      await this.#step(`named-${i}`)
      if (!this.#isFirst) listFolder(this.#place(target))
      await this.#step(`looked-${i}`)
      if (this.#isFirst) {
        removeTree(this.#place(target))
        fill(target)
        removeTree(this.#place(target))
      }
      await this.#step(`freed-${i}`)
      if (this.#isFirst) continue
      fill(`moved-${i}`)
      try {
        fs.renameSync(this.#place(`moved-${i}`), this.#place(target))
      } catch (error) {
        if (!isStale(error)) throw error
        stale++
      }
    }
    return stale
  }

  /** The last one takes the folder away. */
  #clear(): void {
    removeFile(this.#place(`peer.${this.#nonce}`))
    const isLast = !listFolder(this.#folder).some((name) => name.startsWith('peer.'))
    if (isLast) removeTree(this.#folder)
    else removeEmptyFolder(this.#folder)
  }
}

function sizeOf(file: string): number {
  const stat = statFile(file)
  return stat === undefined || stat === 'other' ? 0 : stat.size
}

function longer(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : Math.max(a, b)
}

function timeout(message: string): Error {
  return Object.assign(new Error(message), { code: 'ETIMEDOUT' })
}
