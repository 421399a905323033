/** The command that makes the index of searches, or takes it away. */
import type { Command } from 'commander'
import type { IndexOptions } from './commands/index.js'

export function addIndexCommands(program: Command, finish: (exitCode: number) => void): void {
  program
    .command('index')
    .description('make all of the index of searches now; a search makes it bit by bit')
    .option('--drop', 'remove it; the next search begins anew')
    .option('--json', 'print one JSON object')
    .action(async (_: unknown, command: Command) => {
      const { index } = await import('./commands/index.js')
      finish(await index(command.optsWithGlobals<IndexOptions>()))
    })
}
