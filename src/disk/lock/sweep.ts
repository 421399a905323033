/** Locks of processes that are dead: found, and cleared away. */
import path from 'node:path'
import { yieldIfDue } from '../../base/event-loop.js'
import { removeFile } from '../files.js'
import { isFolder, listFolder, refuseLink, removeEmptyFolder } from '../folders.js'
import { isSessionName } from '../names.js'
import { livenessOf } from '../process-identity.js'
import { NONCE, ownerIn } from './lock-owner.js'

/** The files of dead owners and waiters; changes nothing. */
export function staleLocks(locks: string, waiting: string): string[] {
  return [locks, waiting].flatMap((place) => listFolder(place).flatMap((entry) => deadIn(path.join(place, entry))))
}

/** The files of dead owners in one lock. */
function deadIn(folder: string): string[] {
  return ownersIn(folder).filter((file) => {
    const owner = ownerIn(file)
    return owner !== 'gone' && owner !== 'unreadable' && livenessOf(owner) === 'dead'
  })
}

function ownersIn(folder: string): string[] {
  if (!isFolder(folder)) return []
  return listFolder(folder).flatMap((entry) => (NONCE.test(entry) ? [path.join(folder, entry)] : []))
}

/**
 * Removes the locks of dead processes, which else stay until their sessions are used. It cannot hit a lock that
 * is taken meanwhile: that has another file in it, and the folder goes only when it is empty.
 */
export async function sweepLocks(locks: string): Promise<void> {
  refuseLink(locks)
  for (const name of listFolder(locks)) {
    const folder = path.join(locks, name)
    const dead = isSessionName(name) ? deadIn(folder) : []
    for (const file of dead) removeFile(file)
    if (dead.length > 0) removeEmptyFolder(folder)
    await yieldIfDue()
  }
}
