/** The bytes of a line as they are stored, beside their text; hexadecimal where they are no UTF-8. */

import { shownText } from '../../../formats/html/symbols.js'
import type { LinePage, LogLine } from '../../api/shapes.js'
import { count, label, bytes as size } from '../format.js'
import { Failure, Title, useAnswer } from '../parts.js'
import { base, sessionPath, withParams } from '../place.js'
import { addressOf, ask, bytesOf, ofSession } from '../server.js'
import { useState } from '../ui.js'

const MAX_SHOWN = 256 * 1024
const MAX_HEX = 16 * 1024
const ROW = 16
const PAGE = 50

export function RawLine({ sessionKey, file, line }: { sessionKey: string; file: string; line: LogLine }) {
  const length = line.end - line.offset
  const params = { key: sessionKey, at: line.offset, length: Math.min(length, MAX_SHOWN) }
  const { answer, error } = useAnswer(() => bytesOf('/api/raw', params), [sessionKey, line.offset, length])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: only keeps clicks on the bytes from choosing the line
    // biome-ignore lint/a11y/noStaticElementInteractions: as above
    <div class="raw-line" onClick={(event) => event.stopPropagation()}>
      <p class="note">
        <span class="path">
          {label(file)}
          {line.line === undefined ? '' : `:${line.line}`}
        </span>
        , offset {count(line.offset)}, {count(length)} bytes
        {length > MAX_SHOWN && `, of which ${size(MAX_SHOWN)} are shown`}.{' '}
        <a href={sessionPath(sessionKey, { at: line.offset, raw: true })}>Lines around it</a>,{' '}
        <a
          href={addressOf('/api/raw', { key: sessionKey, at: line.offset, length })}
          target="_blank"
          rel="noopener"
          download
        >
          download
        </a>
      </p>
      {error !== undefined && <Failure error={error} />}
      {answer !== undefined && <BytesView bytes={answer} value={line.cut ? undefined : line.value} />}
    </div>
  )
}

export function BytesView({ bytes, value }: { bytes: Uint8Array; value?: unknown }) {
  const text = utf8(bytes)
  if (text === undefined) {
    return (
      <pre class="bytes" tabIndex={0}>
        {hex(bytes.subarray(0, MAX_HEX))}
      </pre>
    )
  }
  return (
    <div class="beside">
      <div>
        <span class="note">as it is stored</span>
        <pre class="bytes" tabIndex={0}>
          {shownText(text)}
        </pre>
      </div>
      {value !== undefined && (
        <div>
          <span class="note">formatted</span>
          <pre class="bytes" tabIndex={0}>
            {shownText(JSON.stringify(value, null, 2))}
          </pre>
        </div>
      )}
    </div>
  )
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function hex(bytes: Uint8Array): string {
  const rows: string[] = []
  for (let at = 0; at < bytes.length; at += ROW) {
    const row = [...bytes.subarray(at, at + ROW)]
    const numbers = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const text = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·')).join('')
    rows.push(`${at.toString(16).padStart(8, '0')}  ${numbers.padEnd(ROW * 3 - 1)}  ${text}`)
  }
  return rows.join('\n')
}

/** Every line of the log, as it is, page by page. */
export function RawPage({ sessionKey, params }: { sessionKey: string; params: URLSearchParams }) {
  const at = params.get('at') ?? '0'
  const dir = params.get('dir') ?? undefined
  const { answer, error, retry } = useAnswer(
    () => ask<LinePage>(ofSession(sessionKey, 'lines'), { at, dir, limit: PAGE }),
    [sessionKey, at, dir],
  )
  const [open, setOpen] = useState(Number(at))
  if (error !== undefined) return <Failure error={error} retry={retry} />
  if (answer === undefined) return <p class="note">Reading…</p>
  const { lines, from, to, size: whole } = answer
  return (
    <>
      <Title
        note={
          <>
            bytes {count(from)} to {count(to)} of {count(whole)}
          </>
        }
      >
        Raw lines of <a href={sessionPath(sessionKey)}>{label(sessionKey)}</a>
      </Title>
      <nav class="pages" aria-label="Pages of the log">
        <button
          type="button"
          disabled={from === 0}
          onClick={() => withParams({ at: '0', dir: undefined }, { replace: false })}
        >
          First
        </button>
        <button
          type="button"
          disabled={from === 0}
          onClick={() => withParams({ at: `${from}`, dir: 'before' }, { replace: false })}
        >
          Earlier
        </button>
        <button
          type="button"
          disabled={to >= whole}
          onClick={() => withParams({ at: `${to}`, dir: undefined }, { replace: false })}
        >
          Later
        </button>
        <button
          type="button"
          disabled={to >= whole}
          onClick={() => withParams({ at: 'end', dir: 'before' }, { replace: false })}
        >
          Last
        </button>
        <a
          href={`${base}/api/raw?${new URLSearchParams({ key: sessionKey, all: '1' })}`}
          target="_blank"
          rel="noopener"
          download
        >
          Download the log
        </a>
      </nav>
      <ol class="raw-lines">
        {lines.map((line) => (
          <li key={line.offset} class={line.kind}>
            <button
              type="button"
              aria-expanded={open === line.offset}
              onClick={() => setOpen(open === line.offset ? -1 : line.offset)}
            >
              <span class="number">{line.line === undefined ? `@${line.offset}` : count(line.line)}</span>
              <span class="kind">
                {line.kind === 'damage' || line.kind === 'torn' ? `⚠ ${line.reason}` : line.kind}
              </span>
              <span class="excerpt">{label(line.text ?? JSON.stringify(line.value ?? '')).slice(0, 300)}</span>
            </button>
            {open === line.offset && <RawLine sessionKey={sessionKey} file={`${label(sessionKey)}`} line={line} />}
          </li>
        ))}
      </ol>
    </>
  )
}
