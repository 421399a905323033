/** What a row of the benchmark ought to reach, as data. Ratios are what counts: absolute figures drift between machines. */

import { MB } from './memory.mjs'

const OURS = 'jsonl-sessions'

/** At most `limit` times as long as `other`. */
export function atMost(limit, other, { of = OURS, as = other } = {}) {
  return { kind: 'ratio', of, other, limit, words: `at most ${limit}x of ${as}` }
}

/** At least `times` as fast as `other`, by the `figure` of both if one is given: 'p99'. */
export function faster(times, other, { of = OURS, as = other, figure } = {}) {
  const what = figure === undefined ? as : `${as} by ${figure}`
  const words = times === 1 ? `no slower than ${what}` : `${times}x as fast as ${what}`
  return { kind: 'ratio', of, other, limit: 1 / times, inverse: true, words, figure }
}

/** At most `micros` more than `other` takes. */
export function above(micros, other, { of = OURS, as = other } = {}) {
  return { kind: 'difference', of, other, limit: micros, unit: 'µs', words: `at most ${time(micros)} above ${as}` }
}

/** `figure` ('median', 'p99', or a time that the contestants tell by `figures`) stays under `micros`. */
export function under(micros, figure, { of = OURS } = {}) {
  return { kind: 'absolute', of, figure, limit: micros, unit: 'µs', words: `${figure} under ${time(micros)}` }
}

/** `figure`, which the contestants tell by `figures`, stays under so many MB. */
export function below(megabytes, figure, { of = OURS } = {}) {
  const words = `${figure} under ${megabytes} MB`
  return { kind: 'absolute', of, figure, limit: megabytes * MB, unit: 'bytes', words }
}

/**
 * A goal known to be missed by a factor of `off` on a quiet machine, and why. It counts as not met like any other; only
 * the short form takes it for a regression no sooner than that far beyond `off`.
 */
export function known(off, why, goal) {
  return { ...goal, known: { off, why } }
}

function time(micros) {
  return micros < 1000 ? `${micros} µs` : `${micros / 1000} ms`
}

/**
 * How each goal came out; a goal whose contestants did not run is left out. `off` above 1 is not met.
 * Ratios are those of the `figure` of each: its median, or its best repetition where the machine is a noisy one.
 */
export function judge(goals, results, figure = 'median') {
  const find = (name) => results.find((result) => result.name === name)
  return goals.flatMap((goal) => {
    const result = find(goal.of)
    const other = goal.kind === 'absolute' ? result : find(goal.other)
    if (result === undefined || other === undefined) return []
    const measured = MEASURES[goal.kind](goal, result, other, figure)
    if (!Number.isFinite(measured)) throw new Error(`nothing was measured for the goal "${goal.words}"`)
    const off = measured / goal.limit
    return [{ ...goal, measured, off, met: off <= 1 }]
  })
}

const MEASURES = {
  ratio: (goal, result, other, figure) => result[goal.figure ?? figure] / other[goal.figure ?? figure],
  difference: (_goal, result, other, figure) => result[figure] - other[figure],
  absolute: (goal, result) => result[goal.figure],
}

/** The goals that are worse than their limit, or than the miss that is known, by more than `tolerated` times. */
export function regressions(goals, tolerated) {
  return goals.filter(({ kind, off, known }) => kind === 'ratio' && off > tolerated * Math.max(1, known?.off ?? 1))
}
