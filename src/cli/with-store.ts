import { resolve } from 'node:path'
import { openStore, type SessionStore } from '../index.js'
import { escapeLine } from './terminal/escape.js'
import { complain, describe, note } from './terminal/output.js'
import { checkFolderThere, folderIsThere } from './user-files.js'

/** Options that every command has. */
export interface GlobalOptions {
  root: string
}

type Use<T> = (store: SessionStore) => Promise<T>

/** Runs `use` on the store in `root` and always closes it. */
export async function withStore<T>(root: string, use: Use<T>): Promise<T> {
  return using(await openStore(root, { onError: reportError, network: mayBeNetwork() }), use)
}

/** What --network says, here and for the programs that a command starts. */
export function mayBeNetwork(): boolean {
  return process.env.JSONL_SESSIONS_NETWORK === '1'
}

/** The same for commands that only read: nothing is written, nor is anything that a crash left cleared away. */
export async function readStore<T>(root: string, use: Use<T>): Promise<T> {
  return using(await openStore(root, { readOnly: true, onError: reportError }), use)
}

/** Failures beside the result are reported, and fail the command. */
export function reportError(error: unknown, key: string): void {
  process.exitCode = 1
  complain(key === '' ? describe(error) : `${escapeLine(key)}: ${describe(error)}`)
}

async function using<T>(store: SessionStore, use: Use<T>): Promise<T> {
  let done = false
  try {
    const result = await use(store)
    done = true
    return result
  } finally {
    // What made the work fail counts for more than what makes the closing fail.
    await store.close().catch((error: unknown) => {
      if (done) throw error
    })
  }
}

/** As `withStore`, for commands that need something to be there: a missing folder is an error. */
export async function withExistingStore<T>(root: string, use: Use<T>): Promise<T> {
  await checkFolderThere(root)
  return withStore(root, use)
}

/** As `readStore`, for commands that need something to be there. */
export async function readExistingStore<T>(root: string, use: Use<T>): Promise<T> {
  await checkFolderThere(root)
  return readStore(root, use)
}

/** True when the folder is there; else says so. No sessions yet is no failure of a listing. */
export async function storeIsThere(root: string): Promise<boolean> {
  if (await folderIsThere(root)) return true
  note(`no sessions: ${escapeLine(resolve(root))} does not exist`)
  return false
}
