/** A model of the OpenAI Agents SDK that needs no network. */
import { type Model, Usage } from '@openai/agents'

/** It says what `reply` makes of the number of items that it was given. */
export function answering(reply: (items: number) => string): Model {
  return {
    async getResponse({ input }) {
      const text = reply(typeof input === 'string' ? 1 : input.length)
      return {
        usage: new Usage(),
        output: [{ type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text }] }],
      }
    },
    getStreamedResponse() {
      throw new Error('this model does not stream')
    },
  }
}
