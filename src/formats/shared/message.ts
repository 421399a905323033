/** What formats make of their sources. */
import type { Json, JsonObject } from '../../base/json.js'
import type { Call, CallUsage } from './blocks.js'

/** A message as a format reads it from its source. */
export interface Message {
  /** The source's id of the message; without one the id is made of the unit's bytes. */
  id?: string | undefined
  /** Distinguishes the messages that are made of one source message. */
  part?: string | undefined
  /** The source's time, in any spelling that `readTime` knows. */
  at?: Json | undefined
  role: string
  content: Json
  thinking?: Json[] | undefined
  calls?: readonly Call[] | undefined
  toolCallId?: string | undefined
  usage?: CallUsage | undefined
  /** What has no field of ours; empty values are left out. */
  source?: JsonObject | undefined
  /** More fields of ours, such as `name` and `senderId`. */
  fields?: JsonObject | undefined
}
