/** What is written to the file of signatures, batch by batch: blocks where there are enough of a length, else records. */
import {
  type Block,
  capacityOf,
  copyOfBlock,
  encodeBlock,
  MIN_COLUMNS,
  signaturesIn,
} from '../disk/search-index/block.js'
import { batchesOf } from '../disk/search-index/file.js'
import type { Signature } from '../disk/search-index/record.js'

/** Blocks that are so full stay as they are; to add many that are less full would make searches read too many rows. */
export const WELL_FILLED = 1 / 2

export interface Plan {
  blocks: Signature[][]
  loose: Signature[]
}

/** Those of a length make blocks that are full, and one with the rest if it is full to that `share` at least. */
export function planOf(signatures: Iterable<Signature>, share: number): Plan {
  const groups = new Map<number, Signature[]>()
  const plan: Plan = { blocks: [], loose: [] }
  for (const signature of signatures) {
    const group = groups.get(signature.length) ?? []
    group.push(signature)
    groups.set(signature.length, group)
    if (group.length < capacityOf(signature.length)) continue
    plan.blocks.push(group)
    groups.delete(signature.length)
  }
  for (const [length, group] of groups) {
    if (group.length >= Math.max(share * capacityOf(length), MIN_COLUMNS)) plan.blocks.push(group)
    else plan.loose.push(...group)
  }
  return plan
}

export async function* batchesOfPlan({ blocks, loose }: Plan): AsyncGenerator<Buffer> {
  for (const block of blocks) yield await encodeBlock(block)
  yield* batchesOf(loose)
}

/** All that counts, of blocks in the file `fd` and of others. Blocks of which much counts no more are made anew. */
export async function* allBatches(
  fd: number | undefined,
  blocks: readonly Block[],
  others: Iterable<Signature>,
): AsyncGenerator<Buffer> {
  const loose = [...others]
  for (const block of fd === undefined ? [] : blocks) {
    if (block.count === 0) continue
    if (block.count >= capacityOf(block.length) * WELL_FILLED) {
      const copy = await copyOfBlock(fd!, block)
      if (copy !== undefined) yield copy
    } else {
      const columns = [...block.names.keys()].filter((column) => block.names[column] !== '')
      for (const signature of (await signaturesIn(fd!, block, columns)) ?? []) loose.push(signature)
    }
  }
  yield* batchesOfPlan(planOf(loose, 0))
}
