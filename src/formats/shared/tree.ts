/** The path through a tree of entries that is given as a list, each naming its parent. */

export interface TreeEntry {
  line: number
  id: string | undefined
  /** Null for a root; undefined where the entry does not say. */
  parent: string | null | undefined
}

/**
 * Line numbers of the entries from `leaf` up to a root. An entry whose parent is unknown goes on from the one above it
 * in the list. A tree with a cycle ends where it would begin anew.
 */
export function pathFrom(entries: readonly TreeEntry[], leaf: number): Set<number> {
  const places = new Map<string, number>()
  entries.forEach(({ id }, place) => {
    if (id !== undefined) places.set(id, place)
  })
  const path = new Set<number>()
  for (let place = leaf; place >= 0; ) {
    const entry = entries[place]
    if (entry === undefined || path.has(entry.line)) break
    path.add(entry.line)
    if (entry.parent === null) break
    const parent = entry.parent === undefined ? undefined : places.get(entry.parent)
    place = parent ?? place - 1
  }
  return path
}

/** Places of the entries that no other one follows. */
export function leavesOf(entries: readonly TreeEntry[]): number[] {
  const parents = new Set(entries.map(({ parent }) => parent))
  return entries.flatMap(({ id }, place) => (id !== undefined && !parents.has(id) ? [place] : []))
}
