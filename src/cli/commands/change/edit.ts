import { spawn } from 'node:child_process'
import { basename } from 'node:path'
import { parseLog, type Session } from '../../../index.js'
import { changesIn, problemsIn } from '../../edit/problems.js'
import { CommandFailure, EXIT } from '../../exit-code.js'
import { findKey } from '../../find-key.js'
import { exitCodeOf } from '../../signals.js'
import { canAsk, confirm } from '../../terminal/confirm.js'
import { escapeLine } from '../../terminal/escape.js'
import { count } from '../../terminal/format.js'
import { complain, describe, note, print } from '../../terminal/output.js'
import { readWhole, removeFolder, workingCopies } from '../../user-files.js'
import { type GlobalOptions, withExistingStore } from '../../with-store.js'

/** So many bad lines are named. */
const MOST_PROBLEMS = 20

/** Opens a copy of a log in the editor, checks it line by line, and merges it with what was written meanwhile. */
export async function edit(given: string, { root }: GlobalOptions): Promise<number> {
  return withExistingStore(root, async (store) => {
    const session = store.session(await findKey(store, given))
    const before = wholeLines(await readWhole(session.path))
    const { folder, files } = await workingCopies([basename(session.path), 'base'], before)
    const [copy, base] = files as [string, string]
    let isDone = false
    try {
      const answer = await editUntilRight(copy, before)
      if (answer !== 'good') return answer === 'stop' ? exitCodeOf('SIGINT') : EXIT.failed
      await merge(session, { copy, base }, before)
      isDone = true
      return EXIT.done
    } finally {
      if (isDone) await removeFolder(folder)
      else note(`the copy stays: ${escapeLine(copy)}`)
    }
  })
}

/** Half a line at the end is a write that is not done, or what a crash left of one. */
function wholeLines(bytes: Buffer): Buffer {
  const last = parseLog(bytes).at(-1)
  return last?.kind === 'torn' ? bytes.subarray(0, last.offset) : bytes
}

async function editUntilRight(copy: string, before: Buffer): Promise<'good' | 'bad' | 'stop'> {
  for (;;) {
    await runEditor(copy)
    const after = await readWhole(copy)
    if (after.toString('latin1').trim() === '') {
      complain('the copy is empty: nothing was changed')
      return 'bad'
    }
    const problems = problemsIn(before, after)
    if (problems.length === 0) return 'good'
    for (const { line, text } of problems.slice(0, MOST_PROBLEMS)) complain(`line ${line}: ${escapeLine(text)}`)
    if (problems.length > MOST_PROBLEMS) note(`and ${problems.length - MOST_PROBLEMS} more`)
    const answer = canAsk() ? await confirm('Edit again?', 'nothing was changed') : 'no'
    if (answer !== 'yes') return answer === 'stop' ? 'stop' : 'bad'
  }
}

async function merge(session: Session, { copy, base }: { copy: string; base: string }, before: Buffer): Promise<void> {
  const after = await readWhole(copy)
  const { written, gone } = changesIn(before, after)
  if (written === 0 && gone === 0 && after.length === before.length) {
    await print(`${escapeLine(session.key)}: nothing changed`)
    return
  }
  const { contradictions } = await session.merge(copy, { base })
  for (const id of contradictions)
    note(`id ${escapeLine(id)} was changed here and by another program meanwhile: both lines are kept`)
  await print(`${escapeLine(session.key)}: ${count(written, 'line')} written, ${count(gone, 'line')} taken out`)
}

/** Ctrl-C is the editor's: this process waits for it. */
async function runEditor(file: string): Promise<void> {
  const editor = process.env.VISUAL || process.env.EDITOR || 'vi'
  const ignore = () => {}
  process.on('SIGINT', ignore)
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      // $EDITOR may hold options: it is a piece of shell, as for git
      const child =
        process.platform === 'win32'
          ? spawn(`${editor} "${file}"`, { shell: true, stdio: 'inherit' })
          : spawn('sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' })
      child.on('error', (error) => reject(new CommandFailure(describe(error), EXIT.failed)))
      child.on('close', resolve)
    })
    if (code !== 0)
      throw new CommandFailure(`the editor failed (${escapeLine(editor)}): nothing was changed`, EXIT.failed)
  } finally {
    process.off('SIGINT', ignore)
  }
}
