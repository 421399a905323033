/** Words of other tools for the roles of ours. */
import type { Json } from '../../base/json.js'

const ROLES = new Map<unknown, 'system' | 'user' | 'assistant' | 'tool'>([
  ['system', 'system'],
  ['developer', 'system'],
  ['user', 'user'],
  ['human', 'user'],
  ['assistant', 'assistant'],
  ['ai', 'assistant'],
  ['gpt', 'assistant'],
  ['bot', 'assistant'],
  ['model', 'assistant'],
  ['AIMessageChunk', 'assistant'],
  ['tool', 'tool'],
  ['function', 'tool'],
  ['observation', 'tool'],
  ['ipython', 'tool'],
])

export function roleOf(word: Json | undefined): 'system' | 'user' | 'assistant' | 'tool' | undefined {
  return ROLES.get(word)
}
