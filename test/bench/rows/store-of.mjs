import { Naive } from '../competitors/naive.mjs'
import { Ours } from '../competitors/ours.mjs'
import { Raw } from '../competitors/raw.mjs'
import { Sqlite, SqliteFts } from '../competitors/sqlite.mjs'

/** For processes that take from the title what they measure. */
export function storeOf(title) {
  return [Ours, Raw, Sqlite, SqliteFts, Naive].find((one) => one.title === title)
}
