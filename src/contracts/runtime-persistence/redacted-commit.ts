/** A commit as the option `redact` leaves it: its nodes, and the parts of its checkpoint that are JSON. */
import { isObject, type Json } from '../../base/json.js'
import { type Redaction, redactedNode } from '../../log/redact.js'
import type { GivenCommit } from './parse-arguments.js'

/** Before anything is written: blobs are written before the line that names them. */
export function redactedCommit(given: GivenCommit, redaction: Redaction | undefined): GivenCommit {
  if (redaction === undefined) return given
  const { delta, components, turnState } = given
  const nodes = delta.nodes.map((node) => ({ ...node, text: textOf(redactedNode(JSON.parse(node.text), redaction)) }))
  const partOf = (part: GivenCommit['components']['toolState']) =>
    part.body === null
      ? part
      : { ...part, body: Buffer.from(textOf(redaction(JSON.parse(Buffer.from(part.body).toString()), 'checkpoint'))) }
  const { toolState, pluginSnapshot } = components
  const { modeTurnOptions } = turnState
  const payload = isObject(modeTurnOptions.payload)
    ? redaction(modeTurnOptions.payload, 'checkpoint')
    : modeTurnOptions.payload
  return {
    ...given,
    delta: { ...delta, nodes },
    turnState: { ...turnState, modeTurnOptions: { ...modeTurnOptions, payload } },
    components: { ...components, toolState: partOf(toolState), pluginSnapshot: partOf(pluginSnapshot) },
  }
}

function textOf(value: Json): string {
  return JSON.stringify(value)
}
