/** The folder that every operation begins with, and what readers return for a folder. */
import fs from 'node:fs'
import path from 'node:path'
import { faceOf } from './contracts.mjs'

const UNREADABLE = ['DAMAGED-BYTES', 'TORN-BYTES']

/** Makes the scene; returns its ids. The process must stay alive: it owns the runs in the scene. */
export async function makeScene({ openStore }, contracts, folder) {
  const scene = {}
  const old = await openStore(folder, { now: () => Date.now() - 1_000_000_000 })
  const store = await openStore(folder)
  for (const contract of contracts) await contract.prepare(faceOf(contract, store), { old, scene })
  await store.close()
  await old.close()
  return scene
}

/** All that readers return for a store, by a fresh store; without ids and times, which differ from run to run. */
export async function tell({ openStore }, contracts, folder, { run = true } = {}) {
  const store = await openStore(folder)
  try {
    const sessions = []
    for (const { key } of await store.list()) {
      const session = { key: key.replace(/^[0-9a-f-]{36}$/, 'ID') }
      for (const contract of contracts) session[contract.name] = await contract.tell(faceOf(contract, store), key)
      if (!run) delete session.SessionStore.state
      if (!run) delete session.SessionStore.turnId
      sessions.push(JSON.stringify(session))
    }
    const trash = (await store.trash()).map(({ id, key }) => `${key}: ${blobsIn(folder, `.trash/${key}~${id}/${key}`)}`)
    const strays = fs
      .readdirSync(folder)
      .filter((name) => name.endsWith('.blobs') && !fs.existsSync(logOf(folder, name)))
    return { sessions: sessions.sort(), trash: trash.sort(), strays }
  } finally {
    await store.close()
  }
}

function blobsIn(folder, name) {
  const blobs = path.join(folder, `${name}.blobs`)
  return fs.existsSync(blobs) ? fs.readdirSync(blobs).length : 0
}

function logOf(folder, blobs) {
  return path.join(folder, blobs.replace(/blobs$/, 'jsonl'))
}

/** The unreadable bytes of the scene that are in no file of the folder. */
export function lostBytes(folder) {
  const files = fs.readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const all = files.map((entry) =>
    fs.readFileSync(path.join(entry.parentPath ?? entry.path, entry.name)).toString('latin1'),
  )
  return UNREADABLE.filter((bytes) => !all.some((content) => content.includes(bytes)))
}

/** Temporary files, and trash without a log in it; but for blobs half written, which the next collection takes. */
export function litterIn(folder) {
  const names = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' })
  // those of run logs go after ten minutes: another process may be writing them
  return names.filter((name) => !/^\.(locks|running)|\.blobs\//.test(name) && /tmp$|json\.\d+$/.test(name))
}

/** Answers that may differ from run to run, made comparable. */
export function plain(value) {
  const text = JSON.stringify(value ?? null)
  return text.replace(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}/g, 'ID').replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
}
