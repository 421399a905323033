/** What the session of a source is called: set in one `meta` line. */
import type { Json, JsonObject } from '../../../base/json.js'

export interface Labels {
  name?: string
  projectRoot?: string
  agent?: string
  metadata: Record<string, string>
}

const PLACEHOLDER = /^(new session( - .*)?|new chat|new conversation|untitled( (session|chat|thread))?|cli session)$/i

export class DraftLabels {
  readonly labels: Labels = { metadata: {} }
  /** Labels as they stand in a log, where the source is an export of ours. */
  set: JsonObject | undefined

  /** What the session's `meta` line sets. */
  labelSet(): JsonObject {
    if (this.set !== undefined) return this.set
    const { metadata, ...labels } = this.labels
    return { ...labels, ...(Object.keys(metadata).length > 0 ? { metadata } : {}) } as JsonObject
  }

  /** A title; placeholders are none. */
  setName(name: Json | undefined): void {
    if (typeof name === 'string' && name.trim() !== '' && !PLACEHOLDER.test(name.trim())) this.labels.name = name
  }

  setMetadata(key: string, value: Json | undefined): void {
    if (typeof value === 'string' && value !== '') this.labels.metadata[key] = value
    else if (typeof value === 'number' || typeof value === 'boolean') this.labels.metadata[key] = String(value)
  }

  setRoot(folder: Json | undefined): void {
    if (typeof folder === 'string' && folder !== '') this.labels.projectRoot = folder
  }
}
