/** What a check finds, each with its place and the command that mends it, and what lies in quarantine. */
import type { CheckAnswer, HealthFinding, QuarantineAnswer } from '../api/shapes.js'
import { bytes, count, counted, label } from './format.js'
import { Failure, Title, useAnswer } from './parts.js'
import { sessionPath } from './place.js'
import { addressOf, ask, bytesOf } from './server.js'
import { BytesView } from './session/raw.js'
import { useEffect, useState } from './ui.js'

export function Health() {
  const [round, setRound] = useState(0)
  const [wanted, setWanted] = useState(0)
  const { answer, error, retry } = useAnswer(
    () => ask<CheckAnswer>('/api/check', { again: wanted > 0 && round === 0 ? 1 : undefined }),
    [round, wanted],
  )
  useEffect(() => {
    if (answer?.state !== 'running') return undefined
    const timer = setTimeout(() => setRound((n) => n + 1), 500)
    return () => clearTimeout(timer)
  }, [answer])
  if (error !== undefined) return <Failure error={error} retry={retry} />
  if (answer === undefined) return <p class="note">Looking…</p>
  const { state, checked, sessions, messages, findings, failed } = answer
  const isRunning = state === 'running'
  const damage = findings.filter(({ isDamage }) => isDamage)
  const others = findings.filter(({ isDamage }) => !isDamage)
  return (
    <>
      <Title
        note={
          <span role="status">
            {isRunning
              ? `checked ${count(checked)} of ${counted(sessions, 'session')}…`
              : `${counted(sessions, 'session')}, ${counted(messages, 'message')}, ${damage.length === 0 ? 'no damage' : counted(damage.length, 'problem')}`}
          </span>
        }
      >
        Health
      </Title>
      <p>
        <button
          type="button"
          disabled={isRunning}
          onClick={() => {
            setRound(0)
            setWanted((n) => n + 1)
          }}
        >
          Check again
        </button>
      </p>
      {failed.map(({ key, message }) => (
        <p key={key} class="failure">
          {label(key)}: {label(message)}
        </p>
      ))}
      {!isRunning && findings.length === 0 && (
        <p class="calm">Every line of every log can be read, and nothing is left over.</p>
      )}
      {damage.length > 0 && <Findings title="Damage" findings={damage} />}
      {others.length > 0 && <Findings title="Left-overs, which do no harm" findings={others} />}
      <Quarantine />
    </>
  )
}

function Findings({ title, findings }: { title: string; findings: readonly HealthFinding[] }) {
  return (
    <section class="scroll" tabIndex={0} aria-label={title}>
      <h2>{title}</h2>
      <table class="findings">
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">Where</th>
            <th scope="col">Why</th>
            <th scope="col">What mends it</th>
          </tr>
        </thead>
        <tbody>
          {findings.map((one) => (
            <tr key={`${one.kind} ${one.file} ${one.offset}`}>
              <th scope="row">{one.kind}</th>
              <td class="path">
                <Where finding={one} />
              </td>
              <td>{label(one.reason)}</td>
              <td>{one.command === null ? 'a decision of yours' : <code>{label(one.command)}</code>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Where({ finding: { key, file, line, offset, length } }: { finding: HealthFinding }) {
  const place = `${label(file)}${line === null ? '' : `:${line}`}`
  if (key === null || offset === null) return <>{place}</>
  return (
    <>
      <a href={sessionPath(key, { at: offset, raw: true })}>{place}</a>
      <span class="note">
        {' '}
        offset {count(offset)}
        {length === null ? '' : `, ${bytes(length)}`}
      </span>
    </>
  )
}

type Kept = QuarantineAnswer['files'][number]

function Quarantine() {
  const { answer, error } = useAnswer(() => ask<QuarantineAnswer>('/api/quarantine'), [])
  const [shown, setShown] = useState<Kept>()
  if (error !== undefined) return <Failure error={error} />
  if (answer === undefined || answer.files.length === 0) return null
  return (
    <section aria-labelledby="quarantine">
      <h2 id="quarantine">Quarantine</h2>
      <p class="note">
        Bytes that were taken out of logs because no reader understands them. Nothing here is ever changed.
      </p>
      <ul class="lines">
        {answer.files.map((one) => (
          <li key={`${one.name}/${one.file}`}>
            <button
              type="button"
              aria-expanded={shown === one}
              onClick={() => setShown(shown === one ? undefined : one)}
            >
              {label(`${one.name}/${one.file}`)}
            </button>
            <span class="note">{bytes(one.bytes)}</span>
            <a
              href={addressOf('/api/quarantine/file', { name: one.name, file: one.file })}
              target="_blank"
              rel="noopener"
              download
            >
              download
            </a>
            {shown === one && <KeptBytes kept={one} />}
          </li>
        ))}
      </ul>
    </section>
  )
}

function KeptBytes({ kept: { name, file } }: { kept: Kept }) {
  const { answer, error } = useAnswer(() => bytesOf('/api/quarantine/file', { name, file }), [name, file])
  if (error !== undefined) return <Failure error={error} />
  return answer === undefined ? null : <BytesView bytes={answer} />
}
