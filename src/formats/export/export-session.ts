/** Exporting a session, in any of the formats. */
import { notFound } from '../../base/errors.js'
import type { Session } from '../../session/session.js'
import { toHtml } from '../html/page.js'
import { toJsonl } from './jsonl.js'
import { toMarkdown } from './markdown.js'
import { toOpenAi } from './openai.js'
import { type BadLine, SessionReading } from './read-session.js'
import { toShareGpt } from './sharegpt.js'

export const EXPORT_FORMATS = ['markdown', 'html', 'jsonl', 'openai', 'sharegpt'] as const

export type ExportFormat = (typeof EXPORT_FORMATS)[number]

export interface ExportOptions {
  /** What the model would see: the summary in force, then what is not archived and belongs together. */
  context?: boolean | undefined
  /** Called for each line of the log that cannot be read; the others are exported. */
  onBad?: ((bad: BadLine) => void) | undefined
  /** Called once for each kind of content that the format has no place for. */
  onLeftOut?: ((what: string) => void) | undefined
}

/** So many characters go out at once. */
const CHUNK = 64 * 1024

/** The export as UTF-8, piece by piece. @throws TypeError for an unknown format, SessionError ERR_SESSION_NOT_FOUND */
export async function* exportSession(
  session: Session,
  format: ExportFormat,
  options: ExportOptions = {},
): AsyncGenerator<Uint8Array> {
  if (!EXPORT_FORMATS.includes(format)) throw new TypeError(`unknown format: ${format}`)
  const { context = false, onBad = () => {}, onLeftOut = () => {} } = options
  const reading = await SessionReading.open(session.path, session.key, onBad)
  if (reading === undefined) throw notFound(session.key)
  const reported = new Set<string>()
  const leftOut = (what: string) => {
    if (!reported.has(what)) onLeftOut(what)
    reported.add(what)
  }
  try {
    let waiting = ''
    for await (const text of textsOf(reading, format, context, leftOut)) {
      waiting += text
      if (waiting.length < CHUNK) continue
      yield Buffer.from(waiting)
      waiting = ''
    }
    if (waiting !== '') yield Buffer.from(waiting)
  } finally {
    reading.close()
  }
}

function textsOf(
  reading: SessionReading,
  format: ExportFormat,
  context: boolean,
  onLeftOut: (what: string) => void,
): AsyncGenerator<string> {
  switch (format) {
    case 'markdown':
      return toMarkdown(reading, context)
    case 'html':
      return toHtml(reading, context)
    case 'jsonl':
      return toJsonl(reading, context)
    case 'openai':
      return toOpenAi(reading, context, onLeftOut)
    case 'sharegpt':
      return toShareGpt(reading, context, onLeftOut)
  }
}
