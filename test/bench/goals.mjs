/** What a row of the benchmark ought to reach, as data. Ratios are what counts: absolute figures drift between machines. */

const OURS = 'jsonl-sessions'

/** At most `limit` times as long as `other`. */
export function atMost(limit, other, { of = OURS, as = other } = {}) {
  return { kind: 'ratio', of, other, limit, words: `at most ${limit}x of ${as}` }
}

/** At least `times` as fast as `other`. */
export function faster(times, other, { of = OURS } = {}) {
  const words = times === 1 ? `no slower than ${other}` : `${times}x as fast as ${other}`
  return { kind: 'ratio', of, other, limit: 1 / times, inverse: true, words }
}

/** `figure` ('median' or 'p99') stays under `micros`. */
export function under(micros, figure, { of = OURS } = {}) {
  const words = `${figure} under ${micros < 1000 ? `${micros} µs` : `${micros / 1000} ms`}`
  return { kind: 'absolute', of, figure, limit: micros, words }
}

/**
 * How each goal came out; a goal whose contestants did not run is left out. `off` above 1 is not met.
 * Ratios are those of the `figure` of each: its median, or its best repetition where the machine is a noisy one.
 */
export function judge(goals, results, figure = 'median') {
  const find = (name) => results.find((result) => result.name === name)
  return goals.flatMap((goal) => {
    const result = find(goal.of)
    const other = goal.kind === 'ratio' ? find(goal.other) : result
    if (result === undefined || other === undefined) return []
    const measured = goal.kind === 'ratio' ? result[figure] / other[figure] : result[goal.figure]
    const off = measured / goal.limit
    return [{ ...goal, measured, off, met: off <= 1 }]
  })
}
