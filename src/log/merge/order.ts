/** The order of the lines of two logs, the same on either side. */

/** What an order needs of a line. Lines that both logs hold are the same object in both. */
export interface Place {
  rank: number
  time: string
  dated: boolean
  id: string
  raw: Buffer
}

/**
 * Weaves two lists into one. The order within each stays; between them, what a compaction of one side covers comes
 * before what is new on the other side (it has not summed that up), then the earlier time decides, then the id. A line
 * without a time follows the line that it stands behind. Where the two lists contradict each other, rank, time and id
 * decide alone.
 */
export function weave<T extends Place>(a: readonly T[], b: readonly T[]): T[] {
  const both = sharedOf(a, b)
  const woven = new Set<T>()
  let last: readonly T[] | undefined
  for (let i = 0, j = 0; ; ) {
    while (i < a.length && woven.has(a[i] as T)) i++
    while (j < b.length && woven.has(b[j] as T)) j++
    const x = a[i]
    const y = b[j]
    if (x === undefined && y === undefined) return [...woven]
    const next = x === undefined || y === undefined ? ((x ?? y) as T) : firstOf(x, y)
    woven.add(next)
    last = both.has(next) ? undefined : next === x ? a : b
  }

  function firstOf(x: T, y: T): T {
    if (x === y) return x
    if (both.has(x) !== both.has(y)) return both.has(x) ? y : x
    if (last === a && !x.dated && !both.has(x) && x.rank <= y.rank) return x
    if (last === b && !y.dated && !both.has(y) && y.rank <= x.rank) return y
    return compare(x, y) <= 0 ? x : y
  }
}

function sharedOf<T>(a: readonly T[], b: readonly T[]): Set<T> {
  const inB = new Set(b)
  return new Set(a.filter((each) => inB.has(each)))
}

export function compare(x: Place, y: Place): number {
  if (x.rank !== y.rank) return x.rank - y.rank
  if (x.time !== y.time) return x.time < y.time ? -1 : 1
  if (x.id !== y.id) return x.id < y.id ? -1 : 1
  return Buffer.compare(x.raw, y.raw)
}
