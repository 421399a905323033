/** Records as results contain them, also where a log was edited by hand. */
import type { JsonObject } from '../../base/json.js'
import { jsonCopy } from './json-copy.js'
import type { PersistedSessionConfig, SessionMeta } from './types.js'

export function configFrom(config: JsonObject): PersistedSessionConfig {
  const { providerId, configuredModel, contextWindow, executionMode, standardContextApproach, modelVariant } = config
  return {
    providerId: typeof providerId === 'string' ? providerId : '',
    configuredModel: typeof configuredModel === 'string' ? configuredModel : '',
    contextWindow: typeof contextWindow === 'number' ? contextWindow : 0,
    executionMode: typeof executionMode === 'string' ? executionMode : 'standard',
    standardContextApproach: jsonCopy('config', standardContextApproach ?? null),
    modelVariant: typeof modelVariant === 'string' ? modelVariant : null,
  }
}

export function metaFrom(record: JsonObject): SessionMeta {
  const text = (value: unknown) => (typeof value === 'string' ? value : '')
  const optional = (value: unknown) => (typeof value === 'string' ? value : null)
  return {
    sessionId: text(record.sessionId),
    sessionName: text(record.sessionName),
    createdAt: text(record.createdAt),
    model: text(record.model),
    cwd: optional(record.cwd),
    parentSessionId: optional(record.parentSessionId),
  }
}
