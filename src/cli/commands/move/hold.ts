import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { CommandFailure, EXIT } from '../../exit-code.js'
import { describe } from '../../terminal/output.js'
import { type GlobalOptions, withStore } from '../../with-store.js'

/**
 * Runs a command with the leases of all sessions: writers wait meanwhile, as long as their `lockTimeout` lets them.
 * Returns its exit code. Sessions that are made while it runs are not held.
 */
export async function hold(words: readonly string[], { root }: GlobalOptions): Promise<number> {
  return withStore(root, (store) => store.hold(() => run(words)))
}

function run([program, ...args]: readonly string[]): Promise<number> {
  // Ctrl-C is the command's: the leases are held until it ends
  const ignore = () => {}
  process.on('SIGINT', ignore)
  return new Promise((resolve, reject) => {
    const child = spawn(program as string, args, { stdio: 'inherit' })
    child.on('error', (error) => reject(new CommandFailure(describe(error), EXIT.failed)))
    child.on('close', (code, signal) => {
      process.off('SIGINT', ignore)
      resolve(code ?? (signal === null ? EXIT.failed : 128 + constants.signals[signal]))
    })
  })
}
