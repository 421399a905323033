/**
 * The graph of an agent in a merge. Commit lines merge by id like all others; but what one side vacuumed, the other may
 * have built upon. Such nodes come back as tombstones, which readers skip and which connect the nodes below them.
 */
import { derivedId, isV7 } from '../../base/ids.js'
import { canonical, isObject, type Json } from '../../base/json.js'
import { isLine, type Line, namedIds } from '../line.js'
import { isoTime } from '../parse.js'
import { tombstoneLine } from '../serialize.js'
import type { Item, Side, Sides } from './side.js'

/** The sides with their vacuumed commit lines as they were, and the nodes that must stay marked. */
export function reviveNodes(sides: Sides): { sides: Sides; revived: ReadonlySet<string> } {
  const { base, ours, theirs } = sides
  const former = new Map(commitsOf(base).map((item) => [item.id, item]))
  const isShared = ({ key }: Item) => ours.byKey.has(key) && theirs.byKey.has(key)
  const vacuumed = [ours, theirs].map((side) =>
    commitsOf(side).filter((item) => !isShared(item) && isVacuumed(item, former.get(item.id))),
  )
  const revived = new Set(vacuumed.flat().flatMap((item) => goneFrom(item, former.get(item.id) as Item)))
  if (revived.size === 0) return { sides, revived }
  const fresh = [ours, theirs].map((side) => side.items.filter((item) => isGraph(item) && !base.byKey.has(item.key)))
  const isConcurrent = (vacuumed[0]?.length && fresh[1]?.length) || (vacuumed[1]?.length && fresh[0]?.length)
  const added = fresh.flat().filter(({ id }) => !former.has(id))
  const isUsedAgain = added.some((item) => nodesOf(item).some((node) => revived.has(node)))
  if (!isConcurrent || isUsedAgain) return { sides, revived: new Set() }
  const [x, y] = [ours, theirs].map((side, i) => restored(side, new Set(vacuumed[i]), former))
  return { sides: { base, ours: x as Side, theirs: y as Side }, revived }
}

/** The line that marks the nodes again; null when the merged lines mark them all. */
export function tombstoneFor(revived: ReadonlySet<string>, lines: readonly { item: Item }[]): string | null {
  const marked = new Set(lines.flatMap(({ item: { piece } }) => (piece.kind === 'tombstone' ? namedIds(piece) : [])))
  const ids = [...revived].filter((id) => !marked.has(id)).sort()
  if (ids.length === 0) return null
  const last =
    lines
      .flatMap(({ item }) => (isV7(item.id) ? [item.id] : []))
      .sort()
      .at(-1) ?? ''
  const at =
    lines
      .map(({ item }) => item.time)
      .sort()
      .at(-1) || isoTime(0)
  return tombstoneLine({ id: derivedId(last, canonical(ids)), at }, ids)
}

function isGraph({ piece }: Item): boolean {
  return piece.kind === 'commit' || piece.kind === 'tombstone'
}

function commitsOf({ items }: Side): Item[] {
  return items.filter(({ piece, id }) => piece.kind === 'commit' && id !== '')
}

/** True for a commit line that lost nodes, or whose nodes hang elsewhere since others lost some. */
function isVacuumed(item: Item, former: Item | undefined): boolean {
  if (former === undefined || former.key === item.key) return false
  const before = new Set(nodesOf(former))
  return nodesOf(item).every((node) => before.has(node))
}

function goneFrom(item: Item, former: Item): string[] {
  const left = new Set(nodesOf(item))
  return nodesOf(former).filter((node) => !left.has(node))
}

function nodesOf({ piece }: Item): string[] {
  const nodes: Json | undefined = isLine(piece) ? (piece as Line).value.nodes : undefined
  if (!Array.isArray(nodes)) return []
  return nodes.flatMap((node) => (isObject(node) && typeof node.nodeId === 'string' ? [node.nodeId] : []))
}

function restored(side: Side, vacuumed: ReadonlySet<Item>, former: ReadonlyMap<string, Item>): Side {
  const items = side.items.map((item) => {
    const whole = vacuumed.has(item) ? (former.get(item.id) as Item) : undefined
    return whole === undefined ? item : { ...item, piece: whole.piece, raw: whole.raw, key: whole.key }
  })
  return { ...side, items, byKey: new Map(items.map((item) => [item.key, item])) }
}
