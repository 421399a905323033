/** One session that cannot be read: commands answer for the others, name it on stderr and exit 1. Another user needs the logs only. */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { openStore } from '../../src/index.js'
import { buildForAll, IS_ROOT, NOBODY } from '../helpers/other-user.js'
import { fill, tempFolder } from '../helpers/store.js'
import { run } from './run.js'

const READING = [
  ['list'],
  ['search', 'two'],
  ['show', 'b'],
  ['usage'],
  ['running'],
  ['trash', 'list'],
  ['export', 'b', '--format', 'jsonl'],
]

async function scene(): Promise<string> {
  const folder = path.join(tempFolder(), 'sessions')
  const store = await openStore(folder)
  await fill(store, 'a', ['one', 'two'])
  await fill(store, 'b', ['two', 'three'])
  await store.session('b').setState('error', 't')
  await store.close()
  return folder
}

describe('something else in the place of a log', () => {
  test.each([['list'], ['search', 'two'], ['usage'], ['compact', '--all']])('%s %s', async (...command) => {
    const folder = await scene()
    fs.rmSync(path.join(folder, 'a.jsonl'))
    fs.mkdirSync(path.join(folder, 'a.jsonl'))
    const { code, out, err } = await run(['--root', folder, ...command.filter((word) => word !== undefined)])
    expect(err).toContain('a.jsonl')
    expect(err).toContain('ERR_NOT_A_LOG')
    expect(code).toBe(1)
    if (command[0] !== 'compact') expect(out).toContain(command[0] === 'usage' ? 'TOTAL' : 'b')
  })
})

describe.skipIf(!IS_ROOT)('the folder of another user, who may be read', () => {
  const build = buildForAll([])

  test.each(READING)('%s %s', async (...command) => {
    const folder = await scene()
    for (const place of [path.dirname(folder), folder, path.join(folder, '.running')])
      if (fs.existsSync(place)) fs.chmodSync(place, place.endsWith('.running') ? 0o700 : 0o755)
    for (const name of fs.readdirSync(folder)) if (name.endsWith('.jsonl')) fs.chmodSync(path.join(folder, name), 0o644)
    const main = path.join(build.script('..'), '../dist/lib/cli/main.js')
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [main, '--root', folder, ...command.filter((word) => word !== undefined)],
      {
        ...{ encoding: 'utf8', timeout: 60_000, uid: NOBODY, gid: NOBODY },
      },
    )
    expect({ status, stderr }).toMatchObject({ status: 0 })
    if (command[0] === 'list') expect(stdout).toMatch(/^b/m)
  })
})
