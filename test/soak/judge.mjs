/** What must not grow during a soak: its rows, each the sum of the processes that live from start to end. */

const MB = 1024 * 1024

/** How much each may grow from the middle third of the rows to the last, for one process. */
const LIMITS = { memory: 4 * MB, descriptors: 10, timers: 10, resources: 10 }
/** The same for a run too short to be warm: a store remembers its last writes, and a process has three stores. */
const WARMING = { ...LIMITS, memory: 16 * MB, descriptors: 30 }
/** The same for the store's folder, for any number of processes. */
const FILES_LIMIT = 300

/**
 * What grows, told in words; thirds are compared at their best, since that is what is left when all else is given
 * What grows, as messages. The lowest values of two thirds are compared, since those are free of garbage that is not
 */
export function growing(rows, processes, { isWarm }) {
  const third = Math.floor(rows.length / 3)
  if (third === 0) return []
  const least = (some, what) => Math.min(...some.map((row) => row[what]))
  const limits = Object.entries(isWarm ? LIMITS : WARMING).map(([what, limit]) => [what, limit * processes])
  return [...limits, ['files', FILES_LIMIT]].flatMap(([what, limit]) => {
    const growth = least(rows.slice(-third), what) - least(rows.slice(third, 2 * third), what)
    return growth > limit ? [`${what} grow: by ${growth}, where ${limit} is the most`] : []
  })
}
