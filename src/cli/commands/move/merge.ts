import { basename, dirname, resolve } from 'node:path'
import { Layout } from '../../../disk/layout.js'
import { isOwnName, nameOfConflictCopy, nameOfLog } from '../../../disk/names.js'
import { moveAside } from '../../../disk/quarantine.js'
import type { SessionStore } from '../../../index.js'
import { keyInLog } from '../../../session/read/read.js'
import { escapeLine } from '../../terminal/escape.js'
import { count } from '../../terminal/format.js'
import { complain, describe, note, print } from '../../terminal/output.js'
import { checkThere } from '../../user-files.js'
import { type GlobalOptions, withStore } from '../../with-store.js'

export interface MergeOptions extends GlobalOptions {
  into?: string
}

export async function merge(files: readonly string[], { root, into }: MergeOptions): Promise<number> {
  return withStore(root, async (store) => {
    let failed = 0
    for (const file of files) {
      try {
        if (!(await mergeOne(store, file, into))) failed++
      } catch (error) {
        failed++
        complain(`${escapeLine(file)}: ${describe(error)}`)
      }
    }
    return failed > 0 ? 1 : 0
  })
}

async function mergeOne(store: SessionStore, file: string, into: string | undefined): Promise<boolean> {
  await checkThere(file)
  const key = into ?? (await keyOf(file, new Layout(store.dir)))
  if (key === undefined) {
    complain(`${escapeLine(file)}: its name does not contain the session; name it with --into KEY`)
    return false
  }
  const session = store.session(key)
  if (resolve(file) === session.path) {
    complain(`${escapeLine(file)}: that is the log of the session itself`)
    return false
  }
  const { added, contradictions } = await session.merge(resolve(file))
  await print(`${escapeLine(key)}: ${added === 0 ? 'nothing new' : `${count(added, 'line')} came in`}`)
  for (const id of contradictions) note(`id ${escapeLine(id)} has different content in the copy, both are kept`)
  putAway(store, file, session.path)
  return true
}

/** Copies in the store's folder have done their work; files from elsewhere are not ours to move. */
function putAway(store: SessionStore, file: string, log: string): void {
  if (resolve(dirname(file)) !== store.dir || nameOfLog(basename(file)) !== undefined) return
  const name = nameOfLog(basename(log)) as string
  moveAside(new Layout(store.dir).quarantine(name), resolve(file))
}

async function keyOf(file: string, layout: Layout): Promise<string | undefined> {
  const isElsewhere = resolve(dirname(file)) !== layout.root
  const name = nameOfConflictCopy(basename(file)) ?? (isElsewhere ? nameOfLog(basename(file)) : undefined)
  if (name === undefined || isOwnName(name)) return name
  return (await keyInLog(file, name)) ?? (await keyInLog(layout.log(name), name))
}
