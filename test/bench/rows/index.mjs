/**
 * All rows, in the order of the table. A row is `{name, work, unit: 'µs' | 'ms', latency?, contestants: [{name, start}], goals}`;
 * `latency` asks for percentiles.
 *
 * `start(dir)` makes a contestant ready in an empty folder and answers
 * `{operation, before?, proof, stop, least?, most?, turn?, kind?, selfTimed?}`:
 * - `operation()` is what is timed. All are awaited, synchronous ones too, as a caller of an async interface does.
 *   With `selfTimed` it answers how many ms it took.
 * - `before()` comes before each operation and is not timed.
 * - `kind()` names what the last operation was, where they differ.
 * - `turn(number)` comes before each repetition and is not timed.
 * - `proof()` throws unless all operations up to now did what they say; asked before measuring and after it.
 * - `least` and `most` bound the operations of one repetition.
 */

import { agentRows } from './agent.mjs'
import { append, appendFirst, appendSpread } from './append.mjs'
import { create, removeLast, setName, setState } from './change.mjs'
import { listFreshProcess, listFreshStore, listNewest, listOpen } from './list.mjs'
import { managerRows } from './manager.mjs'
import { burst, mixed } from './mixed.mjs'
import { last, load } from './read.mjs'
import { runtimeRows } from './runtime.mjs'
import { watchEvent, watchReady } from './watch.mjs'

/** `size`: 'short' for CI, 'normal', or 'full' for the sizes that the goals name. */
export function rows(size) {
  const sessions = { short: 200, normal: 1000, full: 10_000 }[size]
  const normal = [
    append(),
    appendSpread(Math.min(1000, sessions)),
    appendFirst(),
    mixed(Math.min(1000, sessions)),
    burst(),
    load(10_000),
    ...(size === 'full' ? [load(100_000)] : []),
    last(10_000),
    ...(size === 'short' ? [] : [last(100_000)]),
    removeLast(),
    setName(),
    setState(),
    create(),
    listFreshProcess(sessions),
    listFreshStore(sessions),
    listOpen(sessions),
    listNewest(sessions),
    watchReady(size === 'full' ? 100_000 : sessions),
    watchEvent(size === 'full' ? 100_000 : sessions),
    ...agentRows(size === 'full' ? 100_000 : 10_000),
    ...managerRows(size, sessions),
    ...runtimeRows(10_000),
  ]
  return size === 'short' ? normal.flatMap(onlyRatios) : normal
}

/** The row with the contestants that its ratios compare, if it has any; without percentiles. */
function onlyRatios({ contestants, goals, latency, ...row }) {
  const ratios = goals.filter(({ kind }) => kind === 'ratio')
  const compared = new Set(ratios.flatMap(({ of, other }) => [of, other]))
  if (compared.size === 0) return []
  return [{ ...row, contestants: contestants.filter(({ name }) => compared.has(name)), goals: ratios }]
}
