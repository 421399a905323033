/** What runs now, stuck turns first, and what a crash or damage left. */
import type { RunningAnswer, RunningTurn, StuckReason } from '../api/shapes.js'
import { ago, counted, label, span } from './format.js'
import { Failure, Title, useAnswer } from './parts.js'
import { base, sessionPath } from './place.js'
import { ask } from './server.js'
import { useEffect, useState } from './ui.js'

const REASONS: Record<StuckReason, string> = {
  'too-long': 'runs for too long',
  'owner-dead': 'its process is dead',
  'heartbeat-lost': 'its process is silent',
}

export function Now({ hint }: { hint: number }) {
  const { answer, error, retry } = useAnswer(() => ask<RunningAnswer>('/api/running'), [hint])
  const elapsed = useElapsed(answer)
  if (error !== undefined) return <Failure error={error} retry={retry} />
  if (answer === undefined) return <p class="note">Looking…</p>
  const { running, waiting, errors, damaged, sessions, dir } = answer
  const isCalm = running.length === 0 && errors.length === 0 && damaged.length === 0
  return (
    <>
      <Title note={<span class="path">{label(dir)}</span>}>Now</Title>
      {isCalm && (
        <p class="calm">
          Nothing runs, and nothing is broken that the list knows of. {counted(sessions, 'session')} are here
          {waiting > 0 ? `, messages wait in ${counted(waiting, 'session')}` : ''}.
        </p>
      )}
      {running.length > 0 && (
        <section aria-labelledby="running">
          <h2 id="running">{counted(running.length, 'turn')} running</h2>
          <ul class="lines">
            {running.map((turn) => (
              <Turn key={turn.key} turn={turn} elapsed={elapsed} />
            ))}
          </ul>
        </section>
      )}
      {!isCalm && waiting > 0 && <p>Messages wait for a turn in {counted(waiting, 'session')}.</p>}
      {errors.length > 0 && (
        <section aria-labelledby="errors">
          <h2 id="errors">Ended in error</h2>
          <ul class="lines">
            {errors.map(({ key, name, lastActivity }) => (
              <li key={key}>
                <span class="state error">✕ error</span>
                <a href={sessionPath(key)}>{label(name ?? key)}</a>
                <span class="note">last active {ago(lastActivity)}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      {damaged.length > 0 && (
        <section aria-labelledby="damaged">
          <h2 id="damaged">Damage</h2>
          <ul class="lines">
            {damaged.map(({ key, name, damaged }) => (
              <li key={key}>
                <span class="state damaged">⚠ {counted(damaged, 'bad line')}</span>
                <a href={sessionPath(key)}>{label(name ?? key)}</a>
              </li>
            ))}
          </ul>
          <p>
            <a href={`${base}/health`}>Health</a> names each line, and the command that mends it.
          </p>
        </section>
      )}
    </>
  )
}

/** Milliseconds since the answer came, for clocks that go on. */
function useElapsed(answer: unknown): number {
  const [came, setCame] = useState(performance.now())
  const [now, setNow] = useState(performance.now())
  useEffect(() => {
    setCame(performance.now())
    setNow(performance.now())
    const timer = setInterval(() => setNow(performance.now()), 1_000)
    return () => clearInterval(timer)
  }, [answer])
  return Math.max(0, now - came)
}

function Turn({ turn, elapsed }: { turn: RunningTurn; elapsed: number }) {
  const { key, name, turnId, runningMs, owner, silentMs, stuck } = turn
  return (
    <li class={stuck === null ? '' : 'stuck'}>
      {stuck === null ? (
        <span class="state running">▶ running</span>
      ) : (
        <span class="state error">⚠ stuck: {REASONS[stuck]}</span>
      )}
      <a href={sessionPath(key)}>{label(name ?? key)}</a>
      <span>for {span(runningMs + elapsed)}</span>
      <span class="note">
        {turnId !== null && <>turn {label(turnId)}, </>}
        process {label(owner.host)}:{owner.pid}
        {owner.liveness === 'dead' ? ' (dead)' : owner.liveness === 'unknown' ? ' (out of sight)' : ''}
        {silentMs !== null && `, heard of ${span(silentMs + elapsed)} ago`}
      </span>
      {stuck === 'owner-dead' && <code>jsonl-sessions recover</code>}
    </li>
  )
}
