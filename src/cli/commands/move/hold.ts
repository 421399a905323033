import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { CommandFailure, EXIT } from '../../exit-code.js'
import { SIGNALS } from '../../signals.js'
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
  return new Promise((resolve, reject) => {
    const child = spawn(program as string, args, { stdio: 'inherit' })
    // a signal to end is the command's, which has Ctrl-C from its terminal: the leases are held until it has ended
    const passOn = (signal: NodeJS.Signals) => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    }
    for (const signal of SIGNALS) process.on(signal, passOn)
    child.on('error', (error) => reject(new CommandFailure(describe(error), EXIT.failed)))
    child.on('close', (code, signal) => {
      for (const one of SIGNALS) process.off(one, passOn)
      resolve(code ?? (signal === null ? EXIT.failed : 128 + constants.signals[signal]))
    })
  })
}
