import { resolve } from 'node:path'
import type { SessionInfo, SessionStore } from '../../../index.js'
import { EXIT } from '../../exit-code.js'
import { findKey } from '../../find-key.js'
import { bar, barStyle } from '../../terminal/bar.js'
import { escapeLine, jsonLine } from '../../terminal/escape.js'
import { count, number, size, stamp } from '../../terminal/format.js'
import { complain, describe, note, paint, print, terminalWidth } from '../../terminal/output.js'
import { showingProgress } from '../../terminal/progress.js'
import { type Column, GAP, table, tableWidth } from '../../terminal/table.js'
import { type Group, LogSums, UNKNOWN } from '../../usage/log-sums.js'
import { add } from '../../usage/rows.js'
import { type GlobalOptions, readExistingStore } from '../../with-store.js'

export interface StatsOptions extends GlobalOptions {
  json?: boolean
  /** ms since 1970. */
  since?: number
}

/** For people; `--json` has all. */
const MOST_DAYS = 14
const MOST_ROWS = 5
const WIDEST_BAR = 24
const NARROWEST_BAR = 6

/** Messages, tokens and sizes of a store or of one session, by day, agent and model. */
export async function stats(given: string | undefined, options: StatsOptions): Promise<number> {
  return readExistingStore(options.root, async (store) => {
    const sessions = await sessionsOf(store, given)
    const sums = new LogSums({ since: options.since, isOfStore: given === undefined })
    let failed = 0
    for await (const { key } of showingProgress(sessions, 'sessions')) {
      try {
        await sums.add(store, key)
      } catch (error) {
        failed++
        complain(`${escapeLine(key)}: ${describe(error)}`)
      }
    }
    if (options.json) await print(jsonLine(asJson(sessions, sums, options)))
    else await report(sessions, sums, given === undefined)
    return failed > 0 ? EXIT.failed : EXIT.done
  })
}

async function sessionsOf(store: SessionStore, given: string | undefined): Promise<SessionInfo[]> {
  if (given === undefined) return store.list()
  const info = await store.session(await findKey(store, given)).info()
  return info === null ? [] : [info]
}

interface Row {
  name: string
  messages: number
  tokens: number
}

/** Days in their order, all else by tokens and messages. */
function rowsOf({ messages, usage }: LogSums, group: Group): Row[] {
  const names = new Set([...messages[group].keys(), ...usage[group].keys()])
  const rows = [...names].map((name) => ({
    name,
    messages: messages[group].get(name) ?? 0,
    tokens: usage[group].get(name)?.totalTokens ?? 0,
  }))
  const byName = (a: Row, b: Row) => (a.name < b.name ? -1 : 1)
  if (group === 'day') return rows.sort(byName)
  return rows.sort((a, b) => b.tokens - a.tokens || b.messages - a.messages || byName(a, b))
}

function asJson(sessions: readonly SessionInfo[], sums: LogSums, { root, since }: StatsOptions) {
  const rows = (group: Group) => rowsOf(sums, group)
  return {
    root: resolve(root),
    ...(since !== undefined && { since: new Date(since).toISOString() }),
    sessions: sessions.length,
    bytes: sumOf(sessions.map(({ bytes }) => bytes)),
    messages: sumOf([...sums.messages.role.values()]),
    usage: add(new Map(), '', sums.usage.session.values()),
    roles: rows('role').map(({ name, messages }) => ({ name, messages })),
    days: rows('day'),
    agents: rows('agent'),
    models: rows('model'),
    keys: rows('session'),
  }
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0)
}

async function report(sessions: readonly SessionInfo[], sums: LogSums, isStore: boolean): Promise<void> {
  if (sessions.length === 0) return note('no sessions')
  const { totalTokens, promptTokens, completionTokens, apiCalls } = add(new Map(), '', sums.usage.session.values())
  const roles = rowsOf(sums, 'role').sort((a, b) => b.messages - a.messages)
  const messages = sumOf(roles.map((row) => row.messages))
  const facts: Array<[string, string]> = [
    [isStore ? 'sessions' : 'session', isStore ? number(sessions.length) : escapeLine(sessions[0]!.key)],
    ['messages', `${number(messages)}${listed(roles.map((row) => `${number(row.messages)} ${escapeLine(row.name)}`))}`],
    [
      'tokens',
      apiCalls === 0
        ? 'none counted'
        : `${number(totalTokens)}${listed([`${number(promptTokens)} prompt`, `${number(completionTokens)} completion`])} in ${count(apiCalls, 'call')}`,
    ],
    ['logs', size(sumOf(sessions.map(({ bytes }) => bytes)))],
    ['last activity', stamp(new Date(Math.max(...sessions.map(({ lastActivity }) => lastActivity.getTime()))))],
  ]
  for (const [name, text] of facts) await print(`${paint('dim', name.padEnd(13))}  ${text}`)
  await printGroup(rowsOf(sums, 'day').slice(-MOST_DAYS), 'DAY', sums.messages.day.size)
  // a single row that repeats the total, or has no figures, is left out
  const agents = rowsOf(sums, 'agent')
  if (agents.length > 1) await printGroup(agents.slice(0, MOST_ROWS), 'AGENT', agents.length)
  const models = rowsOf(sums, 'model')
  if (models.length > 1 || models[0]?.name !== UNKNOWN)
    await printGroup(models.slice(0, MOST_ROWS), 'MODEL', models.length)
  if (isStore) await printSizes(sessions)
}

function listed(parts: readonly string[]): string {
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`
}

async function printGroup(rows: readonly Row[], title: string, all: number): Promise<void> {
  if (rows.length === 0) return
  const hasTokens = rows.some(({ tokens }) => tokens > 0)
  await printChart(
    [{ title }, { title: 'MESSAGES', right: true }, ...(hasTokens ? [{ title: 'TOKENS', right: true }] : [])],
    rows.map(({ name, messages, tokens }) => ({
      cells: [escapeLine(name), number(messages), ...(hasTokens ? [number(tokens)] : [])],
      weight: hasTokens ? tokens : messages,
    })),
    all - rows.length,
  )
}

async function printSizes(sessions: readonly SessionInfo[]): Promise<void> {
  const largest = [...sessions].sort((a, b) => b.bytes - a.bytes).slice(0, MOST_ROWS)
  await printChart(
    [
      { title: 'LARGEST LOGS', whole: true },
      { title: 'MESSAGES', right: true },
      { title: 'SIZE', right: true },
    ],
    largest.map(({ key, messages, bytes }) => ({
      cells: [escapeLine(key), number(messages), size(bytes)],
      weight: bytes,
    })),
    sessions.length - largest.length,
  )
}

/** A table with a bar behind each row, where there is room for one. */
async function printChart(
  columns: readonly Column[],
  rows: ReadonlyArray<{ cells: string[]; weight: number }>,
  left: number,
): Promise<void> {
  const cells = rows.map((row) => row.cells)
  const room = terminalWidth() - GAP.length - (await tableWidth(columns, cells))
  const width = Math.min(WIDEST_BAR, room)
  const most = Math.max(...rows.map(({ weight }) => weight))
  const style = barStyle()
  const first = { ...columns[0]!, paint: (text: string) => paint('cyan', text) }
  const charted =
    width < NARROWEST_BAR
      ? table([first, ...columns.slice(1)], cells, terminalWidth())
      : table(
          [first, ...columns.slice(1), { title: '', paint: (text) => paint('green', text) }],
          rows.map((row) => [...row.cells, bar(row.weight / most, width, style)]),
          terminalWidth(),
        )
  await print(`\n${await charted}`)
  if (left > 0) await print(paint('dim', `… and ${number(left)} more (--json has all)`))
}
