/** Searches in many sessions of 100 messages each. What several rows search through is filled once. */
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { Naive } from '../competitors/naive.mjs'
import { Ours, OursUnindexed } from '../competitors/ours.mjs'
import { Sqlite, SqliteFts } from '../competitors/sqlite.mjs'
import { atMost, faster, known, under } from '../goals.mjs'
import { keys, messages } from '../messages.mjs'
import { fillSession, withStore } from './contestant.mjs'

const EACH = 100
const RARE = 'xylophonist'
const OTHER = 'quixotic'
const LIMIT = 50
const run = promisify(execFile)
const hasRipgrep = spawnSync('rg', ['--version']).status === 0

export function searchRows(sessions) {
  const size = sessions.toLocaleString('en')
  const all = keys(sessions)
  const rare = all[sessions >> 1]
  const both = all[sessions >> 2]
  const isRare = (found) => assert.deepEqual(found, [both, rare])
  const isMany = (found) => assert.equal(found.length, Math.min(sessions, LIMIT))
  const stores = [Ours, Sqlite, SqliteFts, Naive]
  const row = (name, work, words, check, rest) => ({
    name: `search-${name}-${sessions}`,
    work: `search ${size} sessions of ${EACH} messages, ${work}`,
    unit: 'ms',
    contestants: stores.map((Store) => inOpenStore(Store, sessions, words, check)),
    ...rest,
  })
  const ripgrep = hasRipgrep ? [inProcess('raw limit', 'ripgrep', ripgrepOf(sessions, [both, rare]))] : []
  return [
    row('rare', 'a rare word', [RARE], (found) => assert.deepEqual(found.sort(), [both, rare].sort()), {
      goals: [under(2000, 'median'), faster(10, 'sqlite', { as: 'sqlite LIKE' })],
    }),
    row('two', 'two rare words', [OTHER, RARE], isRare, { goals: [under(2000, 'median')] }),
    row('frequent', 'a word that is in all', [frequentWord()], isMany, { goals: [] }),
    row('scan', 'a rare word, without an index', [RARE], (found) => assert.equal(found.length, 2), {
      contestants: [inOpenStore(OursUnindexed, sessions, [RARE], (found) => assert.equal(found.length, 2)), ...ripgrep],
      goals: [SCAN],
    }),
    row('process', 'a rare word, fresh process', [], () => {}, {
      contestants: [Ours, SqliteFts].map((Store) =>
        inProcess(Store.title, undefined, freshOf(Store, sessions, [both, rare])),
      ),
      goals: [FRESH],
    }),
  ]
}

const SCAN = known(
  1.7,
  'ripgrep searches on all processors, a store in one thread',
  atMost(1.5, 'raw limit', { as: 'ripgrep' }),
)
const FRESH = known(
  7,
  'only a stat of each log tells whether it has changed: for 10,000 that and the listing take 47 ms in a script that does nothing else, 19 in C',
  under(15_000, 'median'),
)

/** A folder with the sessions, made by whichever contestant needs it first; it goes with the whole run. */
async function filled(Store, dir, sessions) {
  const folder = path.join(path.dirname(dir), `searched-${sessions}-${Store.title}`)
  if (fs.existsSync(folder)) return folder
  fs.mkdirSync(folder)
  const all = keys(sessions)
  await withStore(Store, folder, async (store) => {
    for (const [i, key] of all.entries()) await fillSession(store, key, messages(i * 7, i * 7 + EACH))
    await store.append(all[sessions >> 1], { role: 'user', content: `who is the ${RARE}?` })
    await store.append(all[sessions >> 2], { role: 'user', content: `another ${RARE}, rather ${OTHER}` })
  })
  return folder
}

/** The index, if there is one, is there before the first repetition, as in a store that has been searched before. */
function inOpenStore(Store, sessions, words, check) {
  return {
    name: Store.title,
    async start(dir) {
      const store = await Store.open(await filled(Store, dir, sessions))
      await store.store?.search(words.join(' '))
      await store.makeSearchIndex?.()
      let found
      return {
        most: 200,
        async operation() {
          found = await store.search(words)
        },
        proof: () => check(found),
        stop: () => store.close(),
      }
    },
  }
}

function inProcess(name, as, prepare) {
  return {
    name,
    as,
    async start(dir) {
      const { operation, check, selfTimed } = await prepare(dir)
      let answer
      return {
        most: 1,
        selfTimed,
        elsewhere: true,
        async operation() {
          answer = await operation()
          return answer.milliseconds
        },
        proof: () => check(answer.found),
        stop() {},
      }
    },
  }
}

/** From open to answer in a process of its own; its start is not counted. */
function freshOf(Store, sessions, expected) {
  const file = path.join(import.meta.dirname, 'search-process.mjs')
  return async (dir) => {
    const folder = await filled(Store, dir, sessions)
    const operation = async () => JSON.parse((await run(process.execPath, [file, Store.title, folder, RARE])).stdout)
    // with the index made
    if (Store === Ours)
      await withStore(Ours, folder, async (ours) => {
        await ours.search([RARE])
        await ours.makeSearchIndex()
      })
    return { selfTimed: true, operation, check: (found) => assert.deepEqual(found.sort(), [...expected].sort()) }
  }
}

/** The whole process: its start is part of what a search with it costs. */
function ripgrepOf(sessions, expected) {
  return async (dir) => {
    const folder = path.join(await filled(Ours, dir, sessions), 'sessions')
    const args = ['--ignore-case', '--files-with-matches', '--glob', '*.jsonl', RARE, folder]
    const keyOf = (line) => path.basename(line, '.jsonl')
    const operation = async () => ({ found: (await run('rg', args)).stdout.trim().split('\n').map(keyOf) })
    return { operation, check: (found) => assert.deepEqual(found.sort(), [...expected].sort()) }
  }
}

/** The word that most messages have. */
function frequentWord() {
  const counts = new Map()
  for (const { content } of messages(0, 100)) {
    for (const word of new Set(content.match(/[a-z]+/g))) counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  return [...counts].sort((a, b) => b[1] - a[1])[0][0]
}
