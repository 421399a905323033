import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { Ours } from '../competitors/ours.mjs'
import { above } from '../goals.mjs'
import { keys, messages } from '../messages.mjs'
import { withStore } from './contestant.mjs'

const COMMAND = path.join(import.meta.dirname, '../../../dist/lib/cli/main.js')
const run = promisify(execFile)

/** From the start of the process to its end; the limit is Node's own start. */
export function listCommand(sessions) {
  const process_ = (name, as, prepare) => ({
    name,
    as,
    async start(dir) {
      const { args, check } = await prepare(dir)
      let stdout
      return {
        least: 5,
        most: 20,
        elsewhere: true,
        async operation() {
          stdout = (await run(process.execPath, args)).stdout
        },
        proof: () => check(stdout),
        stop() {},
      }
    },
  })
  return {
    name: `command-list-${sessions}`,
    work: `\`jsonl-sessions list\` on ${sessions} sessions, whole process`,
    unit: 'ms',
    contestants: [
      process_(Ours.title, undefined, async (dir) => {
        await withStore(Ours, dir, async (store) => {
          for (const key of keys(sessions)) await store.fill(key, messages(0, 10))
        })
        const check = (stdout) => {
          for (const key of keys(sessions)) assert.ok(stdout.includes(key))
        }
        return { args: [COMMAND, 'list', '--root', path.join(dir, 'sessions')], check }
      }),
      process_('raw limit', 'empty script', (dir) => {
        const empty = path.join(dir, 'empty.mjs')
        fs.writeFileSync(empty, '')
        return { args: [empty], check: (stdout) => assert.equal(stdout, '') }
      }),
    ],
    goals: [above(40_000, 'raw limit', { as: 'an empty script' })],
  }
}
