/** Finds what is wrong with one session: its log, its sidecar and its blobs. Reads only. */
import { isDeepStrictEqual } from 'node:util'
import { SessionError } from '../base/errors.js'
import { readSync } from '../disk/files.js'
import type { LogReader } from '../disk/log/log-reader.js'
import { isNameOf } from '../disk/names.js'
import { readSidecar } from '../disk/sidecar/sidecar-file.js'
import { readManifest } from '../graph/garbage-collection.js'
import { GraphLog } from '../graph/graph-log.js'
import { commitOf } from '../log/graph/commit-line.js'
import { FORMAT_VERSION, isLine } from '../log/line.js'
import { isChat } from '../log/parse.js'
import { isLive } from '../log/visibility.js'
import { endedBy } from '../log/waiting.js'
import { isAhead } from '../session/clock.js'
import { catchUp, foldLog, visibilityIn } from '../session/log/catch-up.js'
import { isForeign } from '../session/log/foreign-log.js'
import { stateFromSidecar } from '../session/log/log-state.js'
import type { SessionLog } from '../session/log/session-log.js'
import { type Finding, type Found, finding } from './finding.js'

const MARKER = /^(<{7}|={7}|>{7}|\|{7})/

export interface CheckedSession {
  messages: number
  findings: Finding[]
}

/** Null when there is no session. @throws the error of the file system when it cannot be read */
export async function checkSession(log: SessionLog): Promise<CheckedSession | null> {
  const checked = await log.using(async (reader) => {
    if (await isForeign(reader)) return { messages: 0, findings: [foreignFinding(log)] }
    const lines = await findingsInLines(log, reader)
    const findings = [...lines.findings, ...(await findingsInSidecar(log, reader))]
    return { messages: lines.messages, findings }
  })
  if (checked === undefined) return null
  return { ...checked, findings: [...checked.findings, ...(await findingsInBlobs(log))] }
}

function foreignFinding({ key, file: { path } }: SessionLog): Finding {
  const reason = 'no line is one of a session: it is left unchanged'
  return finding({ kind: 'foreign-file', key, file: path, reason, isDamage: false })
}

async function findingsInLines(log: SessionLog, reader: LogReader): Promise<CheckedSession> {
  const { key } = log
  const file = log.file.path
  const findings: Finding[] = []
  const note = (found: Omit<Found, 'file'>) => findings.push(finding({ key, file, ...found }))
  const visibility = await visibilityIn(reader)
  const revisions = new Map<number, string>()
  const answered = new Set<string>()
  const now = log.context.clock.now()
  let version = 0
  let header: string | undefined
  let messages = 0
  let line = 0
  for await (const pieces of reader.blocks()) {
    for (const piece of pieces) {
      line++
      const place = { line, offset: piece.offset, length: piece.end - piece.offset }
      if (piece.kind === 'torn')
        note({ kind: 'torn-tail', reason: 'an unfinished last line', ...place, isDamage: false, remedy: 'rewrite' })
      if (piece.kind === 'damage') {
        const start = readSync(reader.fd, piece.offset, Math.min(7, place.length)).toString('latin1')
        const kind = MARKER.test(start) ? 'merge-marker' : 'damaged-line'
        note({ kind, reason: kind === 'merge-marker' ? 'left by a merge' : piece.reason, ...place, remedy: 'rewrite' })
      }
      if (!isLine(piece)) continue
      if (isChat(piece) && isLive(piece, visibility)) messages++
      const copy = visibility.copies.get(piece.offset)
      if (copy === 'duplicate') {
        note({
          kind: 'duplicate',
          reason: `id ${piece.id} again, as before`,
          ...place,
          isDamage: false,
          remedy: 'rewrite',
        })
        continue
      }
      if (piece.at !== undefined && isAhead(Date.parse(piece.at), now))
        note({ kind: 'time-ahead', reason: `its time, ${piece.at}, has not come yet`, ...place, isDamage: false })
      if (copy === 'contradiction')
        note({ kind: 'contradiction', reason: `id ${piece.id} again, with other content`, ...place, isDamage: false })
      if (piece.kind === 'session') {
        header ??= String(piece.value.key)
        version = Math.max(version, Number(piece.value.version))
      }
      for (const id of isLive(piece, visibility) ? endedBy(piece) : []) {
        if (answered.has(id))
          note({ kind: 'answered-twice', reason: `message ${id} was answered before`, ...place, isDamage: false })
        answered.add(id)
      }
      const commit = piece.kind === 'commit' ? commitOf(piece) : undefined
      if (commit === undefined) continue
      if (revisions.has(commit.revision))
        note({
          kind: 'diverged-commits',
          reason: `two commits of revision ${commit.revision}`,
          ...place,
          isDamage: false,
        })
      revisions.set(commit.revision, piece.id)
    }
  }
  if (version > FORMAT_VERSION)
    note({ kind: 'newer-version', reason: `version ${version}: it can be read, and is not written`, isDamage: false })
  if (header !== undefined && !isNameOf(log.name, header))
    note({ kind: 'key-mismatch', reason: `the file's name is not that of its key ${JSON.stringify(header)}` })
  // a log of a newer version is read-only
  if (version > FORMAT_VERSION) for (const one of findings) one.remedy = null
  return { messages, findings }
}

/** Compares a sidecar that readers would believe with the log. */
async function findingsInSidecar(log: SessionLog, reader: LogReader): Promise<Finding[]> {
  const { key } = log
  const file = log.sidecar.path
  const read = readSidecar(file)
  if (read === null) return []
  const mismatch = (kind: 'sidecar-mismatch' | 'sidecar-unreadable', reason: string) => [
    finding({ kind, key, file, reason, remedy: 'rebuild', isDamage: kind === 'sidecar-mismatch' }),
  ]
  const { sidecar } = read
  if (sidecar === null) return mismatch('sidecar-unreadable', 'it is rebuilt from the log; a run state in it is lost')
  if (sidecar.key !== key)
    return mismatch('sidecar-mismatch', `it belongs to another session, ${JSON.stringify(sidecar.key)}`)
  const logState = stateFromSidecar(sidecar, reader.stat, reader)
  if (logState === undefined) return []
  const cached = (await catchUp(reader, logState)).summary
  const { summary } = await foldLog(reader)
  if (isDeepStrictEqual(cached, summary)) return []
  const fields = Object.keys(summary).filter(
    (field) => !isDeepStrictEqual(cached[field as keyof typeof cached], summary[field as keyof typeof summary]),
  )
  return mismatch('sidecar-mismatch', `its cached fields differ from the log: ${fields.join(', ')}`)
}

/** Missing, wrong and unreferenced blobs. */
async function findingsInBlobs(log: SessionLog): Promise<Finding[]> {
  const { key } = log
  const session = new GraphLog(log)
  const { blobs } = session
  const { refs } = blobs.list()
  const findings: Finding[] = []
  const file = (ref: string) => `${blobs.folder}/${ref}`
  const wrong = new Set<string>()
  for (const ref of refs) {
    if ((await blobs.read(ref)) !== 'wrong') continue
    wrong.add(ref)
    findings.push(
      finding({ kind: 'blob-mismatch', key, file: file(ref), reason: 'its content is not what its name says' }),
    )
  }
  const graph = await session.reading((_, { damage, unsure, head }) => ({
    reason: damage ?? null,
    isSure: !unsure,
    root: head?.checkpoint ?? null,
  }))
  if (graph === undefined) return findings
  if (graph.reason !== null) {
    const reason = `the graph of commits cannot be read: ${graph.reason}`
    return [...findings, finding({ kind: 'broken-graph', key, file: log.file.path, reason })]
  }
  if (graph.root === null || !graph.isSure) return findings
  const needed = new Set([graph.root])
  try {
    const { toolStateRef, pluginSnapshotRef, executionStateRef } = await readManifest(blobs, graph.root)
    for (const ref of [toolStateRef, pluginSnapshotRef, executionStateRef]) if (ref) needed.add(ref)
  } catch (error) {
    if (!(error instanceof SessionError)) throw error
    if (!blobs.has(graph.root)) findings.push(missing(key, file(graph.root)))
    // an unreadable manifest leaves unknown which blobs are needed
    return findings
  }
  for (const ref of needed) if (!blobs.has(ref)) findings.push(missing(key, file(ref)))
  for (const ref of refs)
    if (!needed.has(ref)) {
      const reason = 'the last commit does not need it'
      findings.push(
        finding({ kind: 'unreferenced-blob', key, file: file(ref), reason, isDamage: false, remedy: 'quarantine' }),
      )
    }
  return findings
}

function missing(key: string, file: string): Finding {
  return finding({ kind: 'missing-blob', key, file, reason: 'the last commit needs it, and it is not there' })
}
