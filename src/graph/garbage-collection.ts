/** Deleting the blobs that the head of a session does not reach. */

import { SessionError } from '../base/errors.js'
import { yieldIfDue } from '../base/event-loop.js'
import type { BlobDir } from '../disk/blob-dir.js'
import type { Graph } from '../log/graph/graph.js'
import { COMPONENTS, type Component, type Manifest, manifestFrom } from '../log/graph/manifest.js'
import { checkVersion } from '../session/change/transaction.js'
import { checkReadable, corrupt, type GraphLog } from './graph-log.js'

export interface Collection {
  /** 1 with a head, else 0. */
  roots: number
  /** Blobs that the head reaches and that are there. */
  retained: string[]
  deleted: string[]
  /** Size of the deleted blobs. */
  deletedBytes: number
}

const NOTHING: Collection = { roots: 0, retained: [], deleted: [], deletedBytes: 0 }

/**
 * Deletes every blob that the head does not reach, and what writers left half written; with `dryRun` only counts.
 * @throws SessionError ERR_LOG_CORRUPT, ERR_BLOB_NOT_FOUND, ERR_BLOB_CORRUPT when the head is uncertain: then nothing
 * is
 *   deleted
 */
export async function collectBlobs(session: GraphLog, { dryRun = false } = {}): Promise<Collection> {
  const { log, blobs } = session
  log.context.checkOpen()
  const collection = await log.holdExisting(async () => {
    const state = await log.forWriting()
    // its blobs may be there before the log, where a sync brings both
    if (state === undefined) return NOTHING
    checkVersion(state.summary, log.file.path)
    const root = await session.reading((_, graph) => rootOf(graph))
    // gone in this instant, by another program's hand
    if (root === undefined) return NOTHING
    const reached = root === null ? [] : await reachedFrom(blobs, root)
    const { refs, temporaries } = blobs.list()
    const retained = new Set(reached.filter((ref) => blobs.has(ref)))
    const doomed = refs.filter((ref) => !retained.has(ref))
    log.checkLease()
    const deletedBytes = doomed.reduce((sum, ref) => sum + (blobs.size(ref) ?? 0), 0)
    const deleted = dryRun ? doomed : await removeAll(blobs, doomed)
    if (!dryRun) await removeAll(blobs, temporaries)
    return { roots: reached.length > 0 ? 1 : 0, retained: [...retained], deleted, deletedBytes }
  })
  return collection ?? NOTHING
}

/** The manifest that the head names; null without a head. */
function rootOf(graph: Graph): string | null {
  checkReadable(graph)
  if (graph.unsure) throw corrupt('unreadableLine', graph.head?.revision ?? 0)
  return graph.head?.checkpoint ?? null
}

async function reachedFrom(blobs: BlobDir, root: string): Promise<string[]> {
  const manifest = await readManifest(blobs, root)
  return [root, ...COMPONENTS.flatMap((name) => manifest[`${name}Ref`] ?? [])]
}

/** @throws SessionError ERR_BLOB_NOT_FOUND, ERR_BLOB_CORRUPT */
export async function readManifest(blobs: BlobDir, ref: string): Promise<Manifest> {
  const manifest = manifestFrom((await readBlob(blobs, ref, 'manifest')).toString())
  if (manifest === undefined) throw blobError('ERR_BLOB_CORRUPT', ref, 'manifest')
  return manifest
}

/** @throws SessionError ERR_BLOB_NOT_FOUND, ERR_BLOB_CORRUPT */
export async function readBlob(blobs: BlobDir, ref: string, component: Component | 'manifest'): Promise<Buffer> {
  const bytes = await blobs.read(ref)
  if (bytes === undefined) throw blobError('ERR_BLOB_NOT_FOUND', ref, component)
  if (bytes === 'wrong') throw blobError('ERR_BLOB_CORRUPT', ref, component)
  return bytes
}

export function blobError(
  code: 'ERR_BLOB_NOT_FOUND' | 'ERR_BLOB_CORRUPT',
  ref: string,
  component: Component | 'manifest',
): SessionError {
  const what = code === 'ERR_BLOB_CORRUPT' ? 'is not what its name says' : 'is not there'
  return new SessionError(code, `the blob of the ${component} ${what}: ${ref}`, { ref, component })
}

async function removeAll(blobs: BlobDir, names: readonly string[]): Promise<string[]> {
  const removed: string[] = []
  for (const name of names) {
    if (blobs.remove(name)) removed.push(name)
    await yieldIfDue()
  }
  return removed
}
