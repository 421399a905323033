/** Files of other tools that lie in the folder of a store: list, check and show say whose they are, and what takes them in. */
import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { folder, run } from '../cli/run.js'
import { claudeSession, codexSession } from './histories.js'

test('list, check and show name the tool and the command', async () => {
  const root = await folder()
  fs.writeFileSync(path.join(root, 'dropped.jsonl'), claudeSession(1), { mode: 0o600 })
  fs.writeFileSync(path.join(root, 'rollout-2026-10-02T10-00-00.jsonl'), codexSession(1), { mode: 0o600 })
  fs.writeFileSync(path.join(root, 'mine.jsonl'), '{"role":"user","content":"by hand"}\n', { mode: 0o600 })

  const listed = await run(['list', '--root', root])
  expect(listed.code).toBe(0)
  expect(listed.err).toMatch(/dropped\.jsonl: looks like claude-code; take it in with: jsonl-sessions import /)
  expect(listed.err).not.toContain('mine.jsonl')

  const checked = await run(['check', '--root', root])
  const lines = claudeSession(1).split('\n').length - 1
  expect(checked.err).toContain(`dropped.jsonl: ${lines} lines of kinds not known here, looks like claude-code`)
  expect(checked.err).toMatch(/rollout-.*looks like codex/)
  expect(checked.err).not.toContain('mine.jsonl')
  const { foreign } = JSON.parse((await run(['check', '--json', '--root', root])).out)
  expect(foreign.map(({ format }: { format: string }) => format)).toEqual(['claude-code', 'codex'])

  const shown = await run(['show', 'dropped', '--root', root])
  expect(shown.err).toContain('looks like claude-code')

  const taken = await run(['import', path.join(root, 'dropped.jsonl'), '--root', root, '--json'])
  expect(JSON.parse(taken.out).sessions[0].messages).toBeGreaterThan(0)
})
