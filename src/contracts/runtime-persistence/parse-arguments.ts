/** Reading the arguments of `RuntimePersistence`: what is given is copied at the call, or refused. */
import { isUint8Array } from 'node:util/types'
import { checkCount, checkOptionalText, checkText } from '../../base/arguments.js'
import { SessionError } from '../../base/errors.js'
import { isObject, type Json, type JsonObject } from '../../base/json.js'
import { LEDGER_COUNTERS, type LedgerRow, type LedgerUsage } from '../../log/graph/commit-line.js'
import {
  COMPONENTS,
  type Component,
  defaultTurnState,
  PROMPT_COUNTERS,
  type TurnState,
} from '../../log/graph/manifest.js'
import { jsonCopy, jsonText } from './json-copy.js'

const MOST_U64 = 2n ** 64n - 1n
/** The fields of components that are JSON: a number and an object. */
const PARTS = { toolState: 'tools', pluginSnapshot: 'plugins' } as const

export interface GivenNode {
  id: string
  parent: string | null
  text: string
}

export interface GivenDelta {
  kind: 'unchanged' | 'append' | 'replaceFull'
  nodes: GivenNode[]
  leaf: string | null
}

/** A component's body, or the ref of one that is kept, or neither. */
export interface GivenComponent {
  body: Uint8Array | null
  ref: string | null
}

export interface GivenCommit {
  sessionId: string
  expected: number | null
  config: JsonObject
  delta: GivenDelta
  turnState: TurnState
  components: Record<Component, GivenComponent>
  pluginSnapshotRevision: bigint | null
  usage: LedgerRow[]
}

/** @throws TypeError, RangeError, SessionError ERR_TOO_LARGE */
export function checkCommit(commit: unknown): GivenCommit {
  const { sessionId, expectedHeadRevision, config, graph, checkpoint, usageDeltas } = fields('a commit', commit)
  checkText('sessionId', sessionId)
  const given = fields('checkpoint', checkpoint)
  if (!Array.isArray(usageDeltas)) throw new TypeError('usageDeltas must be an array')
  return {
    sessionId,
    expected: isNone(expectedHeadRevision) ? null : counter('expectedHeadRevision', expectedHeadRevision),
    config: checkConfig(config),
    delta: checkDelta(graph),
    turnState: isNone(given.turnState) ? defaultTurnState() : checkTurnState(given.turnState),
    components: Object.fromEntries(COMPONENTS.map((name) => [name, checkComponent(name, given)])) as Record<
      Component,
      GivenComponent
    >,
    pluginSnapshotRevision: checkRevision(given.pluginSnapshotRevision),
    usage: usageDeltas.map(checkUsage).filter(({ usage }) => LEDGER_COUNTERS.some((name) => usage[name] > 0)),
  }
}

export function isNone(value: unknown): value is null | undefined {
  return value === null || value === undefined
}

function fields(name: string, value: unknown): Record<string, unknown> {
  if (!isObject(value)) throw new TypeError(`${name} must be an object`)
  return value
}

function counter(name: string, value: unknown): number {
  checkCount(name, value)
  // -0 is 0
  return value + 0
}

function checkConfig(value: unknown): JsonObject {
  const config = fields('config', value)
  checkText('config.providerId', config.providerId)
  checkText('config.configuredModel', config.configuredModel)
  return {
    providerId: config.providerId,
    configuredModel: config.configuredModel,
    contextWindow: counter('config.contextWindow', config.contextWindow),
    executionMode: checkOptionalText('config.executionMode', config.executionMode) ?? 'standard',
    standardContextApproach: jsonCopy('config.standardContextApproach', config.standardContextApproach ?? null),
    modelVariant: checkOptionalText('config.modelVariant', config.modelVariant),
  }
}

function checkDelta(value: unknown): GivenDelta {
  const { kind, nodes, leafNodeId, graph } = fields('graph', value)
  if (kind === 'unchanged') return { kind, nodes: [], leaf: checkOptionalText('leafNodeId', leafNodeId) }
  if (kind === 'append') return { kind, nodes: checkNodes(nodes), leaf: checkOptionalText('leafNodeId', leafNodeId) }
  if (kind !== 'replaceFull') throw new TypeError("graph.kind must be 'unchanged', 'append' or 'replaceFull'")
  const whole = fields('graph.graph', graph)
  return { kind, nodes: checkNodes(whole.nodes), leaf: checkOptionalText('leafNodeId', whole.leafNodeId) }
}

function checkNodes(nodes: unknown): GivenNode[] {
  if (!Array.isArray(nodes)) throw new TypeError('nodes must be an array')
  return Array.from(nodes, (node) => {
    const record = jsonCopy('a node', fields('a node', node)) as JsonObject
    checkText('nodeId', record.nodeId)
    return {
      id: record.nodeId,
      parent: checkOptionalText('parentNodeId', record.parentNodeId),
      text: jsonText('a node', record),
    }
  })
}

function checkTurnState(value: unknown): TurnState {
  const { turnIndex, tokenUsage, lastPromptUsage, modeTurnOptions } = fields('turnState', value)
  const none = defaultTurnState()
  return {
    turnIndex: isNone(turnIndex) ? none.turnIndex : counter('turnIndex', turnIndex),
    tokenUsage: isNone(tokenUsage) ? none.tokenUsage : counters('tokenUsage', tokenUsage, LEDGER_COUNTERS),
    lastPromptUsage: isNone(lastPromptUsage) ? null : counters('lastPromptUsage', lastPromptUsage, PROMPT_COUNTERS),
    modeTurnOptions: isNone(modeTurnOptions) ? none.modeTurnOptions : checkMode(modeTurnOptions),
  }
}

function checkMode(value: unknown): TurnState['modeTurnOptions'] {
  const { modeId, payload } = fields('modeTurnOptions', value)
  const mode = checkOptionalText('modeId', modeId) ?? 'standard'
  return { modeId: mode, payload: payload === undefined ? {} : jsonCopy('payload', payload) }
}

function counters<Name extends string>(what: string, value: unknown, names: readonly Name[]): Record<Name, number> {
  const given = fields(what, value)
  const row = names.map((name) => [name, isNone(given[name]) ? 0 : counter(`${what}.${name}`, given[name])])
  return Object.fromEntries(row) as Record<Name, number>
}

function checkComponent(name: Component, given: Record<string, unknown>): GivenComponent {
  const ref = checkOptionalText(`${name}Ref`, given[`${name}Ref`])
  const value = given[name]
  if (isNone(value)) return { body: null, ref }
  if (name !== 'executionState') return { body: Buffer.from(componentText(name, value)), ref: null }
  if (!isUint8Array(value)) throw new TypeError('executionState must be a Uint8Array')
  return { body: Uint8Array.from(value), ref: null }
}

function componentText(name: keyof typeof PARTS, value: unknown): string {
  const copy = jsonCopy(name, fields(name, value)) as JsonObject
  if (!isObject(copy[PARTS[name]])) throw new TypeError(`${name}.${PARTS[name]} must be an object`)
  if (name === 'toolState') counter('toolState.generation', copy.generation)
  return jsonText(name, copy)
}

function checkRevision(value: unknown): bigint | null {
  if (isNone(value)) return null
  if (typeof value !== 'bigint') throw new TypeError('pluginSnapshotRevision must be a bigint')
  if (value < 0n || value > MOST_U64) throw new RangeError('pluginSnapshotRevision must be an unsigned 64-bit number')
  return value
}

function checkUsage(value: unknown): LedgerRow {
  const { source, model, usage } = fields('a usage delta', value)
  checkText('source', source)
  checkText('model', model)
  return { source, model, usage: counters('usage', usage, LEDGER_COUNTERS) as LedgerUsage }
}

/** The leaf of a path (null: the head's); undefined for the full graph. */
export function checkScope(scope: unknown): string | null | undefined {
  if (!isObject(scope)) throw new TypeError('a scope must be an object')
  const { kind, leafNodeId } = scope
  if (kind === 'fullGraph') return undefined
  if (kind !== 'activePath') {
    throw new SessionError('ERR_READ_SCOPE_UNSUPPORTED', 'there is no such scope', { scope })
  }
  if (isNone(leafNodeId)) return null
  checkText('leafNodeId', leafNodeId)
  return leafNodeId
}

/** The session record as it stands in the log. @throws TypeError */
export function checkMeta(meta: unknown): { sessionId: string; record: JsonObject } {
  const { sessionId, sessionName, createdAt, model, cwd, parentSessionId } = fields('meta', meta)
  checkText('sessionId', sessionId)
  checkText('sessionName', sessionName)
  checkText('createdAt', createdAt)
  checkText('model', model)
  const optional = {
    cwd: checkOptionalText('cwd', cwd),
    parentSessionId: checkOptionalText('parentSessionId', parentSessionId),
  }
  return { sessionId, record: { sessionId, sessionName, createdAt, model, ...optional } }
}

/** What a commit line says, for the fold and as text. */
export function commitFields(
  { delta, config, usage }: GivenCommit,
  session: string,
  revision: number,
  checkpoint: string,
): { value: JsonObject; body: string } {
  const { kind, nodes, leaf } = delta
  const replace = kind === 'replaceFull'
  const rows = usage as unknown as Json
  const head = `"session":${JSON.stringify(session)},"revision":${revision},"nodes":[${nodes.map(({ text }) => text).join(',')}]`
  const flag = replace ? ',"replace":true' : ''
  const rest = jsonText('config', { config, checkpoint, usage: rows }).slice(1, -1)
  const known = nodes.map(({ id, parent }): JsonObject => ({ nodeId: id, parentNodeId: parent }))
  return {
    value: { revision, nodes: known, leaf, replace, config, checkpoint, usage: rows },
    body: `${head},"leaf":${JSON.stringify(leaf)}${flag},${rest}`,
  }
}
