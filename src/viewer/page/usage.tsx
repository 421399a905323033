/** Tokens by day, agent, model and session: each chart is a table with bars. */
import type { Counters, UsageAnswer, UsageRow } from '../api/shapes.js'
import { count, counted, short } from './format.js'
import { Bars, Failure, Title, useAnswer } from './parts.js'
import { sessionPath } from './place.js'
import { ask } from './server.js'
import { useEffect, useState } from './ui.js'

const SHOWN = 50

export function tokensOf({ promptTokens, completionTokens }: Counters): number {
  return promptTokens + completionTokens
}

export function usageBars(rows: readonly UsageRow[], hrefOf?: (name: string) => string) {
  return rows.map((row) => ({
    name: row.name,
    value: tokensOf(row),
    text: count(tokensOf(row)),
    ...(hrefOf === undefined ? {} : { href: hrefOf(row.name) }),
  }))
}

export function Usage({ hint }: { hint: number }) {
  const [round, setRound] = useState(0)
  const { answer, error, retry } = useAnswer(() => ask<UsageAnswer>('/api/usage'), [round, hint])
  useEffect(() => {
    if (answer === undefined || answer.ready.sessions >= answer.ready.of) return undefined
    const timer = setTimeout(() => setRound((n) => n + 1), 500)
    return () => clearTimeout(timer)
  }, [answer])
  if (error !== undefined) return <Failure error={error} retry={retry} />
  if (answer === undefined) return <p class="note">Adding up…</p>
  const { total, ready, sessions, agents, days, models } = answer
  const isReading = ready.sessions < ready.of
  return (
    <>
      <Title
        note={
          isReading ? `days and models: ${count(ready.sessions)} of ${counted(ready.of, 'session')} read` : undefined
        }
      >
        Usage
      </Title>
      {tokensOf(total) === 0 ? (
        <p class="calm">No message names the tokens that it took.</p>
      ) : (
        <>
          <dl class="facts">
            <Fact name="tokens" value={tokensOf(total)} />
            <Fact name="prompt" value={total.promptTokens} />
            <Fact name="completion" value={total.completionTokens} />
            <Fact name="cache read" value={total.cacheReadTokens} />
            <Fact name="cache written" value={total.cacheCreationTokens} />
            <Fact name="thinking" value={total.thinkingTokens} />
            <Fact name="calls" value={total.apiCalls} />
          </dl>
          <div class="charts">
            <Bars caption="By day" heads={['Day', 'Tokens']} rows={usageBars(days.slice(-SHOWN))} />
            <Bars caption="By model" heads={['Model', 'Tokens']} rows={usageBars(models.slice(0, SHOWN))} />
            <Bars caption="By agent" heads={['Agent', 'Tokens']} rows={usageBars(agents.slice(0, SHOWN))} />
            <Bars
              caption="By session"
              heads={['Session', 'Tokens']}
              rows={usageBars(sessions.slice(0, SHOWN), (key) => sessionPath(key))}
            />
          </div>
        </>
      )}
    </>
  )
}

function Fact({ name, value }: { name: string; value: number }) {
  return value === 0 ? null : (
    <div>
      <dt>{name}</dt>
      <dd title={count(value)}>{short(value)}</dd>
    </div>
  )
}
