/** A message with the line that it stands in. */
import type { ChatMessage, Line } from '../log/line.js'
import { asGiven } from '../log/views.js'
import { knownId, type Survey, timeIn } from '../log/visibility.js'

export interface Entry<M = ChatMessage> {
  /** The id of its line. */
  id: string
  /** When it was appended. */
  at: Date
  message: M
}

export function entryOf<M>(line: Line, survey: Survey, fileTime: string): Entry<M> {
  return { id: knownId(line, survey), at: new Date(timeIn(line, survey, fileTime)), message: asGiven(line) as M }
}
