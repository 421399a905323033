/**
 * All rows, in the order of the table. A row is
 * `{name, work, unit: 'µs' | 'ms', latency?, most?, contestants: [{name, as?, start}], goals}`. `latency` asks for
 * percentiles, `most` bounds the repetitions. `name` is the contestant's column in the table, `as` says what stands there
 * if that is not plain.
 *
 * `start(dir)` makes a contestant ready in an empty folder and answers
 * `{operation, before?, proof, stop, least?, most?, per?, turn?, kind?, figures?, selfTimed?, elsewhere?}`:
 * - `operation()` is what is timed. All are awaited, synchronous ones too, as a caller of an async interface does.
 *   With `selfTimed` it returns how many ms it took; `elsewhere` says that other processes do the work.
 * - `before()` comes before each operation and is not timed.
 * - `kind()` names what the last operation was, where they differ.
 * - `turn(number)` comes before each repetition and is not timed.
 * - `proof()` throws unless all operations up to now did what they say; asked before measuring and after it.
 * - `per` is how many things one operation does; times are of one of them.
 * - `figures()` comes after each repetition and returns more figures of it, times in µs, `memory` in bytes. The worst counts.
 * - `least` and `most` bound the operations of one repetition.
 */

import { adapterRows } from './adapters.mjs'
import { agentRows } from './agent.mjs'
import { append, appendFirst, appendSpread } from './append.mjs'
import { create, removeLast, setName, setState } from './change.mjs'
import { listCommand } from './cli.mjs'
import { compact } from './compact.mjs'
import { appendDurable } from './durable.mjs'
import { listFreshProcess, listFreshStore, listNewest, listOpen } from './list.mjs'
import { managerRows } from './manager.mjs'
import { memoryOfLog, memoryOfStore } from './memory.mjs'
import { burst, mixed } from './mixed.mjs'
import { appendBeside, appendBesideStopped, appendProcesses } from './processes.mjs'
import { last, load } from './read.mjs'
import { runtimeRows } from './runtime.mjs'
import { steady } from './scale.mjs'
import { searchRows } from './search.mjs'
import { stallOfCompact, stallOfList, stallOfSearch } from './stalls.mjs'
import { turnProcesses, turnRows } from './turn.mjs'
import { valueRows } from './values.mjs'
import { watchEvent, watchReady } from './watch.mjs'

const SIZES = {
  /** For CI. */
  short: { sessions: 200, busy: 50, appends: 2000, long: 10_000, megabytes: 16, watched: 200, agent: 10_000 },
  normal: { sessions: 1000, busy: 1000, appends: 5000, long: 100_000, megabytes: 20, watched: 1000, agent: 10_000 },
  /** What the goals name. */
  full: {
    sessions: 10_000,
    busy: 1000,
    appends: 5000,
    long: 100_000,
    megabytes: 100,
    watched: 100_000,
    agent: 100_000,
  },
}

const STEADY_SECONDS = Number(process.env.SECONDS ?? 60)

export function rows(size) {
  const { sessions, busy, appends, long, megabytes, watched, agent } = SIZES[size]
  const all = [
    ...turnRows(busy),
    turnProcesses(4, busy, appends / 4),
    append(),
    appendSpread(busy),
    appendFirst(),
    appendDurable(64),
    appendProcesses(2, appends),
    appendProcesses(4, appends),
    appendBesideStopped(4, appends),
    appendBeside(),
    mixed(busy),
    burst(),
    load(10_000),
    last(long),
    removeLast(),
    setName(),
    setState(),
    create(),
    listFreshProcess(sessions),
    listFreshStore(sessions),
    listOpen(sessions),
    listNewest(sessions),
    listCommand(100),
    compact(megabytes),
    ...searchRows(Math.max(sessions, 500)),
    stallOfList(sessions),
    stallOfSearch(sessions),
    stallOfCompact(sessions),
    watchReady(watched),
    watchEvent(watched),
    ...agentRows(agent),
    ...managerRows(size, sessions),
    ...runtimeRows(10_000),
    ...valueRows(10_000),
    ...adapterRows(long),
  ]
  if (size === 'short') return all.flatMap(onlyRatios)
  return size === 'full'
    ? [...all, load(100_000), memoryOfStore(100_000), ...memoryOfLog(1024), steady(5000, STEADY_SECONDS)]
    : all
}

/** The row with the contestants that its ratios compare, if it has any; without percentiles. */
function onlyRatios({ contestants, goals, latency, ...row }) {
  const ratios = goals.filter(({ kind, figure }) => kind === 'ratio' && figure === undefined)
  const compared = new Set(ratios.flatMap(({ of, other }) => [of, other]))
  if (compared.size === 0) return []
  return [{ ...row, contestants: contestants.filter(({ name }) => compared.has(name)), goals: ratios }]
}
