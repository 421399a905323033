/** What a turn asks of the file system once everything is warm: no name is made, renamed or removed, and no log is opened. */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { tempFolder } from '../helpers/store.js'

const hasStrace = spawnSync('strace', ['-V']).status === 0
const why = hasStrace ? '' : ' (skipped: strace is not installed)'
const TURNS = 60

/** The system calls between the two marks. */
function callsOf(way: string): string[] {
  const folder = tempFolder()
  const out = path.join(folder, 'calls.txt')
  const script = new URL('../processes/warm-turns.mjs', import.meta.url).pathname
  const calls = ['-e', 'trace=file,desc', '-s', '200', '-o', out]
  const { status, stderr } = spawnSync(
    'strace',
    ['-f', ...calls, process.execPath, script, path.join(folder, 'store'), String(TURNS), way],
    { encoding: 'utf8', timeout: 50_000 },
  )
  expect(status, stderr).toBe(0)
  const lines = fs.readFileSync(out, 'utf8').split('\n')
  const marks = ['/mark/begin', '/mark/end'].map((mark) => lines.findIndex((line) => line.includes(mark)))
  return lines.slice(marks[0]! + 1, marks[1]).map((line) => line.replace(/^\d+ +/, ''))
}

describe.skipIf(!hasStrace)(`a warm turn${why}`, () => {
  test.each(['plain', 'exclusive', 'turn', 'received'])(
    '%s makes, renames and removes no name, and opens no log',
    (way) => {
      const calls = callsOf(way)
      // sidecars are written behind, under a lease, at most once a second
      const named = calls.filter(
        (call) =>
          /^(rename|unlink|link|symlink|mkdir|rmdir|mknod|creat)|^open(at)?\(.*O_CREAT/.test(call) &&
          !/\.meta\.json|\/\.locks\b/.test(call),
      )
      const count = (pattern: RegExp) => calls.filter((call) => pattern.test(call)).length
      expect(count(/^rename\(.*\.locks\/\w+"\)/)).toBeLessThanOrEqual(1 + count(/^rename\(.*\.meta\.json"\)/))
      expect(named).toEqual([])
      // the log and the run log are open
      expect(calls.filter((call) => /^open(at)?\(.*\.jsonl"/.test(call))).toEqual([])
      // two lines in the log, two in the run log
      const lines = calls.filter((call) => /^p?write(v|64)?\(\d+, .*"\{\\"(role|key)\\"/.test(call))
      expect(lines).toHaveLength(4 * TURNS)
    },
  )
})
