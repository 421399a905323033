/** What of a soak stays flat: its rows, each the sum of all processes that live from the beginning to the end. */

const MB = 1024 * 1024

/** By how much each may grow from the middle third of the rows to the last, for one process. */
const LIMITS = { memory: 4 * MB, descriptors: 10, timers: 10, resources: 10 }
/** In a run that is too short to be warm: a store keeps its last writes in mind, and a process has three. */
const WARMING = { ...LIMITS, memory: 16 * MB, descriptors: 30 }
/** The same of the store's folder, whatever number of processes. */
const FILES_LIMIT = 300

/**
 * What grows, told in words; thirds are compared at their best, since that is what is left when all else is given
 * back. The first third is for warming up.
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
