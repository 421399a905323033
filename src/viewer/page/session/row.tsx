/** One line of a log: a message, a summary that archives the messages above, a record, or damage. */

import type { JsonObject } from '../../../base/json.js'
import { markdown } from '../../../formats/html/markdown.js'
import { isFailed, messageBody, resultOf } from '../../../formats/html/message.js'
import type { LogLine } from '../../api/shapes.js'
import { bytes, count, label, short, timeOf } from '../format.js'
import { Failure } from '../parts.js'
import { sessionPath } from '../place.js'
import { ask, ofSession } from '../server.js'
import { memo, useMemo, useState } from '../ui.js'
import type { Entry } from './entries.js'
import { outcomeOf } from './entries.js'
import { Nodes, type Opened } from './nodes.js'
import { RawLine } from './raw.js'

interface Props {
  sessionKey: string
  file: string
  entry: Extract<Entry, { what: 'line' }>
  opened: Opened
  isCurrent: boolean
  isRaw: boolean
  isWhole: boolean
  choose: (offset: number, raw?: boolean) => void
  /** Brings a removed message back, where the viewer may change something. */
  restore?: ((id: string) => void) | undefined
}

const MARKS = {
  removed: 'removed',
  archived: 'archived',
  duplicate: 'there twice',
  contradiction: 'same id, other content',
} as const

function DrawnRow({ sessionKey, file, entry, opened, isCurrent, isRaw, isWhole, choose, restore }: Props) {
  const { line, results, signature } = entry
  const [whole, setWhole] = useState<LogLine>()
  const [error, setError] = useState<unknown>()
  const shown = whole ?? line
  const body = useMemo(
    () => <Body line={shown} results={results} opened={opened} isWhole={isWhole} />,
    [shown, signature, opened, isWhole],
  )
  const showAll = () => ask<LogLine>(ofSession(sessionKey, 'line'), { at: line.offset }).then(setWhole, setError)
  const { kind, at, marks = [], id } = line
  const role = roleOf(line)
  const classes = [
    'row',
    kind === 'message' ? `message ${roleClass(role)}` : `kind-${kind}`,
    ...marks,
    isCurrent ? 'current' : '',
  ]
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: j and k choose lines by keyboard
    <article
      class={classes.join(' ')}
      data-offset={line.offset}
      aria-label={`${role}${at === undefined ? '' : `, ${timeOf(at)}`}`}
      aria-current={isCurrent ? 'true' : undefined}
      onClick={() => choose(line.offset)}
    >
      <header>
        <span class="role">{titleOf(line)}</span>
        {marks.map((mark) => (
          <span key={mark} class="mark">
            {MARKS[mark]}
          </span>
        ))}
        {at !== undefined && (
          <a class="time" href={sessionPath(sessionKey, id === undefined ? { at: line.offset } : { id })}>
            <time dateTime={at}>{timeOf(at)}</time>
          </a>
        )}
        {restore !== undefined && id !== undefined && marks.includes('removed') && (
          <button type="button" class="raw-button" onClick={() => restore(id)}>
            restore
          </button>
        )}
        <UsageNote value={line.value as JsonObject | undefined} />
        <button
          type="button"
          class="raw-button"
          aria-expanded={isRaw}
          aria-label={`Raw line at byte ${line.offset}`}
          onClick={(event) => {
            event.stopPropagation()
            choose(line.offset, !isRaw)
          }}
        >
          raw
        </button>
      </header>
      {body}
      {line.cut && whole === undefined && (
        <p class="note">
          Long texts of this line ({bytes(line.end - line.offset)}) are cut.{' '}
          <button type="button" onClick={showAll}>
            Show all
          </button>
        </p>
      )}
      {error !== undefined && <Failure error={error} />}
      {isRaw && <RawLine sessionKey={sessionKey} file={file} line={line} />}
    </article>
  )
}

/** A long list is drawn again with each line that comes: rows that say the same are passed over. */
export const Row = memo<Props>(
  DrawnRow,
  (a, b) =>
    a.entry.line === b.entry.line &&
    a.entry.signature === b.entry.signature &&
    a.file === b.file &&
    a.opened === b.opened &&
    a.isCurrent === b.isCurrent &&
    a.isRaw === b.isRaw &&
    a.restore === b.restore &&
    (a.isWhole === b.isWhole || !a.entry.signature.includes('none')),
)

function Body({
  line,
  results,
  opened,
  isWhole,
}: {
  line: LogLine
  results: ReadonlyMap<string, LogLine>
  opened: Opened
  isWhole: boolean
}) {
  const value = line.value as JsonObject | undefined
  if (line.kind === 'damage' || line.kind === 'torn') {
    return (
      <>
        <p>{label(line.reason ?? '')}</p>
        <pre tabIndex={0}>{label(line.text ?? '')}</pre>
      </>
    )
  }
  if (value === undefined) return null
  if (line.kind === 'compaction') return <Nodes nodes={markdown(`${value.summary}`)} opened={opened} />
  if (line.kind !== 'message' || typeof value.role !== 'string') {
    const { type: _, id: __, at: ___, ...rest } = value
    return (
      <pre tabIndex={0} class="record">
        {label(JSON.stringify(rest))}
      </pre>
    )
  }
  return <Nodes nodes={messageBody(value, (call) => outcomeOf(call, line, results, isWhole))} opened={opened} />
}

function roleOf({ kind, value }: LogLine): string {
  if (kind === 'compaction') return 'summary'
  return kind === 'message' ? (typeof value?.role === 'string' ? value.role : 'value') : kind
}

function roleClass(role: string): string {
  return ['user', 'assistant', 'system', 'tool'].includes(role) ? role : 'other'
}

const ROLE_SIGNS: Readonly<Record<string, string>> = { user: '▸', assistant: '◆', system: '■', tool: '⚙' }

function titleOf(line: LogLine): string {
  const { kind, value } = line
  const role = roleOf(line)
  if (kind === 'compaction') return 'Summary: what stands above is archived'
  if (kind === 'damage') return '⚠ a line that cannot be read'
  if (kind === 'torn') return '⚠ an unfinished line'
  if (kind !== 'message') return label(`${value?.type ?? kind}`)
  const name = typeof value?.name === 'string' ? value.name : value?.agent
  const call = value === undefined ? null : resultOf(value as JsonObject)
  const who = typeof name === 'string' ? `${role} (${name})` : role
  const failed = value !== undefined && role === 'tool' && isFailed(value as JsonObject) ? ' ✕ failed' : ''
  return label(`${ROLE_SIGNS[role] ?? '○'} ${who}${call === null ? '' : ` of ${call}`}${failed}`)
}

function UsageNote({ value }: { value: JsonObject | undefined }) {
  const usage = value?.usage
  if (typeof usage !== 'object' || usage === null || Array.isArray(usage)) return null
  const number = (name: string) => (typeof usage[name] === 'number' ? (usage[name] as number) : 0)
  const [prompt, completion, cached] = [number('promptTokens'), number('completionTokens'), number('cacheReadTokens')]
  if (prompt + completion === 0) return null
  const title = `${count(prompt)} prompt, ${count(completion)} completion, ${count(cached)} read from the cache`
  return (
    <span class="usage" title={title}>
      {short(prompt)} → {short(completion)} tokens
    </span>
  )
}
