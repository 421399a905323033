import { spawn } from 'node:child_process'
import { describe, note, printTo } from './output.js'

/** Ends at once when all fits on the screen, which stays as it is then. */
const DEFAULT = 'if command -v less > /dev/null; then exec less -FRX; else exec cat; fi'

/** Runs work whose output goes through a pager, where standard output is a terminal and $PAGER does not say `cat`. */
async function paged<T>(work: () => Promise<T>): Promise<T> {
  const { PAGER, TERM } = process.env
  const isWanted = process.stdout.isTTY && process.stdin.isTTY && TERM !== 'dumb' && PAGER !== '' && PAGER !== 'cat'
  if (!isWanted || process.platform === 'win32') return work()
  const pager = spawn('sh', ['-c', PAGER ?? DEFAULT], { stdio: ['pipe', 'inherit', 'inherit'] })
  const ended = new Promise<void>((resolve) => {
    pager.on('close', () => resolve())
    pager.on('error', (error) => {
      note(`no pager: ${describe(error)}`)
      resolve()
    })
  })
  // Ctrl-C is the pager's: it is left by its own keys, and then nobody reads any more
  const ignore = () => {}
  process.on('SIGINT', ignore)
  const back = printTo(pager.stdin)
  try {
    return await work()
  } finally {
    pager.stdin.end()
    await ended
    process.off('SIGINT', ignore)
    back()
  }
}

/** The same for what is printed for people; JSON goes to whatever reads it. */
export function pagedUnless<T>(json: boolean | undefined, work: () => Promise<T>): Promise<T> {
  return json ? work() : paged(work)
}
