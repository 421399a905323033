/** Export as JSON lines: one line of the session, then its messages, for jq, pandas and another store. */
import type { SessionReading } from './read-session.js'

export async function* toJsonl(reading: SessionReading, context: boolean): AsyncGenerator<string> {
  const { key, id, created, labels, summaries, carriedUsage } = reading.heading
  const { name, tags } = labels
  const session = {
    key,
    ...(id === null || id === '' ? {} : { id }),
    createdAt: created,
    ...(typeof name === 'string' ? { name } : {}),
    ...(Array.isArray(tags) ? { tags } : {}),
    set: labels,
    ...(summaries.length === 0 || context ? {} : { summaries }),
    ...(Object.keys(carriedUsage).length === 0 ? {} : { carriedUsage }),
  }
  yield `${JSON.stringify({ session })}\n`
  for await (const { id, at, value } of reading.messages({ context })) yield `${JSON.stringify({ id, at, ...value })}\n`
}
