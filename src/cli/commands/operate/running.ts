import { resolve } from 'node:path'
import type { RunningSession } from '../../../index.js'
import { escapeLine, jsonLine } from '../../terminal/escape.js'
import { span } from '../../terminal/format.js'
import { note, paint, print, terminalWidth } from '../../terminal/output.js'
import { type Column, table } from '../../terminal/table.js'
import { type GlobalOptions, readStore, storeIsThere } from '../../with-store.js'

export interface RunningOptions extends GlobalOptions {
  json?: boolean
}

export interface StuckOptions extends RunningOptions {
  /** Milliseconds. */
  older: number
}

interface StuckSession extends RunningSession {
  reason: 'too-long' | 'owner-dead'
}

export async function running({ root, json }: RunningOptions): Promise<number> {
  const isThere = await storeIsThere(root)
  const sessions = isThere ? await readStore(root, (store) => store.running()) : []
  if (json) await print(jsonLine({ root: resolve(root), sessions }))
  else if (sessions.length > 0) await print(await runningTable(sessions))
  else if (isThere) note('nothing runs')
  return 0
}

export async function stuck({ root, older, json }: StuckOptions): Promise<number> {
  const isThere = await storeIsThere(root)
  const all = isThere ? await readStore(root, (store) => store.running()) : []
  const sessions = all.flatMap((session) => stuckOf(session, older)).reverse()
  if (json) await print(jsonLine({ root: resolve(root), sessions }))
  else if (sessions.length > 0) await print(await stuckTable(sessions))
  else if (isThere) note('nothing is stuck')
  return sessions.length > 0 ? 1 : 0
}

function stuckOf(session: RunningSession, older: number): StuckSession[] {
  if (session.owner.liveness === 'dead') return [{ ...session, reason: 'owner-dead' }]
  return session.runningMs > older ? [{ ...session, reason: 'too-long' }] : []
}

const COLUMNS: readonly Column[] = [
  { title: 'KEY', whole: true, paint: (text) => paint('cyan', text) },
  { title: 'TURN' },
  { title: 'RUNNING FOR', right: true },
  { title: 'PROCESS' },
]

const REASON: Column = { title: 'STUCK', paint: (text) => paint('red', text) }

/** What a line about a running turn is made of. */
export interface RunningTurn {
  key: string
  turnId: string | null
  runningMs: number
  owner: RunningSession['owner']
}

export function runningTable(sessions: readonly RunningTurn[], width = terminalWidth()): Promise<string> {
  return table(COLUMNS, sessions.map(cellsOf), width)
}

export function stuckTable(turns: ReadonlyArray<RunningTurn & { reason: string }>, width = terminalWidth()) {
  return table(
    [...COLUMNS, REASON],
    turns.map((turn) => [...cellsOf(turn), turn.reason]),
    width,
  )
}

function cellsOf({ key, turnId, runningMs, owner }: RunningTurn): string[] {
  return [escapeLine(key), escapeLine(turnId ?? ''), span(runningMs), processText(owner)]
}

function processText({ pid, host, liveness }: RunningSession['owner']): string {
  const remark = liveness === 'dead' ? ', dead' : liveness === 'unknown' ? ', out of sight' : ''
  return `${pid} on ${escapeLine(host)}${remark}`
}
