import type { Session, Turn } from '../../index.js'
import { flatten } from '../terminal/escape.js'

/** Answers the message that was appended last; rejects with a reason when it cannot. */
export type Responder = (session: Session, turn: Turn) => Promise<string>

/**
 * The built-in responder: works offline, always answers the same, and shows that it knows the conversation.
 * It reads the end of the log only, so that a long conversation is answered as fast as a short one.
 */
export const builtIn: Responder = async (session) => {
  const [info, recent] = await Promise.all([session.info(), session.tail(3)])
  const said = recent.filter(({ role, content }) => role === 'user' && typeof content === 'string')
  return builtInAnswer({
    text: String(said.at(-1)?.content ?? ''),
    before: said.length > 1 ? String(said.at(-2)!.content) : null,
    number: info?.messages ?? recent.length,
  })
}

export interface Said {
  text: string
  /** The message of the same user before that, if it is known. */
  before: string | null
  /** The place of `text` in the conversation, counted from 1. */
  number: number
}

export function builtInAnswer({ text, before, number }: Said): string {
  const now = `You said “${shorten(text)}”. That was message ${number} of our conversation`
  return before === null ? `${now}.` : `${now}; before it you said “${shorten(before)}”.`
}

const LONGEST = 120

/** On one line and not longer than needed to recognise it. */
function shorten(text: string): string {
  const chars = Array.from(flatten(text.slice(0, LONGEST * 4)))
  return chars.length <= LONGEST
    ? chars.join('')
    : `${chars
        .slice(0, LONGEST - 1)
        .join('')
        .trimEnd()}…`
}
