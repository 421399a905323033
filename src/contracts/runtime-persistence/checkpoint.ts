/** Checkpoints: their blobs, named before they are written, and read back. */

import { type BlobDir, refOf } from '../../disk/blob-dir.js'
import { blobError, readBlob, readManifest } from '../../graph/garbage-collection.js'
import { COMPONENTS, type Component, type Manifest, manifestText } from '../../log/graph/manifest.js'
import type { GivenCommit } from './parse-arguments.js'
import type { HydratedSessionCheckpoint, PluginSessionSnapshot, ToolState } from './types.js'

/** The blobs of a commit, named but not written. */
export interface NamedBlobs {
  manifest: Manifest
  ref: string
  bytes: Buffer
  bodies: Array<{ ref: string; bytes: Uint8Array }>
  /** Refs without a body, which must be there. */
  kept: Array<{ ref: string; component: Component }>
}

export async function nameBlobs({ turnState, components, pluginSnapshotRevision }: GivenCommit): Promise<NamedBlobs> {
  const bodies: NamedBlobs['bodies'] = []
  const kept: NamedBlobs['kept'] = []
  const refs: Record<Component, string | null> = { toolState: null, pluginSnapshot: null, executionState: null }
  for (const component of COMPONENTS) {
    const { body, ref } = components[component]
    refs[component] = body === null ? ref : await refOf(body)
    if (body !== null) bodies.push({ ref: refs[component] as string, bytes: body })
    else if (ref !== null) kept.push({ ref, component })
  }
  const manifest: Manifest = {
    turnState,
    toolStateRef: refs.toolState,
    pluginSnapshotRef: refs.pluginSnapshot,
    pluginSnapshotRevision,
    executionStateRef: refs.executionState,
  }
  const bytes = Buffer.from(manifestText(manifest))
  return { manifest, ref: await refOf(bytes), bytes, bodies, kept }
}

/** A manifest and its bodies. @throws SessionError ERR_BLOB_NOT_FOUND, ERR_BLOB_CORRUPT */
export async function readCheckpoint(blobs: BlobDir, ref: string): Promise<HydratedSessionCheckpoint> {
  const manifest = await readManifest(blobs, ref)
  const body = async (name: Component) => {
    const ref = manifest[`${name}Ref`]
    return ref === null ? null : readBlob(blobs, ref, name)
  }
  const state = await body('executionState')
  return {
    ...manifest,
    toolState: jsonFrom<ToolState>(await body('toolState'), manifest.toolStateRef, 'toolState'),
    pluginSnapshot: jsonFrom<PluginSessionSnapshot>(
      await body('pluginSnapshot'),
      manifest.pluginSnapshotRef,
      'pluginSnapshot',
    ),
    executionState: state && new Uint8Array(state),
  }
}

function jsonFrom<T>(bytes: Buffer | null, ref: string | null, component: Component): T | null {
  if (bytes === null) return null
  try {
    return JSON.parse(bytes.toString())
  } catch {
    throw blobError('ERR_BLOB_CORRUPT', ref ?? '', component)
  }
}
