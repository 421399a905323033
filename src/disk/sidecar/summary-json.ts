/** What a log was folded to, as JSON. Read back field by field: what is wrong in one field is wrong as a whole. */
import { isV7 } from '../../base/ids.js'
import { isObject, type Json, type JsonObject } from '../../base/json.js'
import type { Summary } from '../../log/fold.js'
import { timeOf } from '../../log/parse.js'
import { countersOf, usageFromJson } from '../../log/usage.js'

export function summaryToJson(summary: Summary): JsonObject {
  const { usage, carriedUsage, ...rest } = summary
  const maps = { usage: Object.fromEntries(usage), carriedUsage: Object.fromEntries(carriedUsage) }
  return { ...rest, ...maps } as unknown as JsonObject
}

export function summaryFromJson(value: Json | undefined): Summary | null {
  if (!isObject(value)) return null
  if (Object.keys(value).length !== CHECKS.length) return null
  for (const [field, isSound] of CHECKS) if (!isSound(value[field])) return null
  const maps = { usage: usageFromJson(value.usage), carriedUsage: usageFromJson(value.carriedUsage) }
  return { ...(value as unknown as Summary), ...maps }
}

/** True for a whole number from 0 that is exact. */
export function isCount(value: Json | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

export function isFiniteNumber(value: Json | undefined): value is number {
  return Number.isFinite(value)
}

const COUNTERS = Object.keys(countersOf({}))

type Check = (value: Json | undefined) => boolean

const isFlag: Check = (value) => typeof value === 'boolean'
const isText: Check = (value) => typeof value === 'string'
const isTextOrNull: Check = (value) => value === null || isText(value)
const isTimeOrNull: Check = (value) => value === null || (isText(value) && timeOf(value) === value)

/** Counters by agent, each of them there. */
const isUsage: Check = (value) =>
  isObject(value) && Object.values(value).every((row) => isObject(row) && COUNTERS.every((name) => isCount(row[name])))

const isWaitingList: Check = (value) =>
  Array.isArray(value) && value.every((each) => isObject(each) && isText(each.id) && isText(each.ref))

const isHeader: Check = (value) =>
  value === null ||
  (isObject(value) &&
    isText(value.id) &&
    isText(value.key) &&
    isTimeOrNull(value.at) &&
    isTextOrNull(value.forkedFrom) &&
    (value.inherited === undefined || isObject(value.inherited)))

const isArchive: Check = (value) =>
  isObject(value) &&
  isCount(value.messages) &&
  isCount(value.bytes) &&
  isTimeOrNull(value.oldest) &&
  isFlag(value.undated) &&
  isText(value.through)

const SOUND: Record<keyof Summary, Check> = {
  bytes: isCount,
  // any number that a header may name
  version: (value) => isFiniteNumber(value) && value >= 0,
  header: isHeader,
  messages: isCount,
  roleless: isCount,
  valueLines: isCount,
  valueBytes: isCount,
  metaBytes: isCount,
  waiting: isWaitingList,
  damaged: isCount,
  compactions: isCount,
  archived: isArchive,
  firstAt: isTimeOrNull,
  lastAt: isTimeOrNull,
  lastActivity: isTimeOrNull,
  undated: isFlag,
  unsorted: isFlag,
  maxId: (value) => value === '' || (typeof value === 'string' && isV7(value)),
  bareFrom: isCount,
  orderedFrom: isCount,
  uniqueFrom: isCount,
  usage: isUsage,
  carriedUsage: isUsage,
  labels: (value) => isObject(value),
}
const CHECKS = Object.entries(SOUND)
