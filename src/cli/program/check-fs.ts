/** The check of a drive, below the check of a store. */
import type { CheckFsOptions } from '../commands/operate/check-fs.js'
import type { Command } from './commander.js'
import { duration } from './values.js'

export function addCheckFs(check: Command, finish: (exitCode: number) => void): void {
  check.helpCommand(false).addHelpText('after', '\nA session whose key is fs: check -- fs')
  check
    .command('fs')
    .description('what the drive of the folder promises: local, network, or not to be used (exit code 1)')
    .option('--peer', 'together with another machine, on which the same command runs on the same folder')
    .option('--wait <time>', 'how long to wait for the peer, such as 5m; a minute by default', duration)
    .option('--json', 'print one JSON object')
    .action(async (_: unknown, command: Command) => {
      const { checkFs } = await import('../commands/operate/check-fs.js')
      finish(await checkFs(command.optsWithGlobals<CheckFsOptions>()))
    })
}
