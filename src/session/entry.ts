/** A message with the line that it stands in. */
import type { ChatMessage, Line } from '../log/line.js'
import { asGiven } from '../log/views.js'
import { knownId, timeIn, type Visibility } from '../log/visibility.js'

export interface Entry<M = ChatMessage> {
  /** The id of its line. */
  id: string
  /** When it was appended. */
  at: Date
  message: M
}

export function entryOf<M>(line: Line, visibility: Visibility, fileTime: string): Entry<M> {
  return {
    id: knownId(line, visibility),
    at: new Date(timeIn(line, visibility, fileTime)),
    message: asGiven(line) as unknown as M,
  }
}
