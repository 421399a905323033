import type { InitOptions } from '../commands/move/init.js'
import type { MergeOptions } from '../commands/move/merge.js'
import type { GlobalOptions } from '../with-store.js'
import type { Command } from './commander.js'
import { notEmpty } from './values.js'

/** The commands for folders that git, rsync or a file synchroniser carries to other machines. */
export function addSyncCommands(program: Command, finish: (exitCode: number) => void, main: string): void {
  program
    .command('init')
    .description('prepare the folder for git and file synchronisers: what travels, and how changes of two sides meet')
    .option('--git', 'make the folder a git repository if it is in none')
    .action(async (_: unknown, command: Command) => {
      const { init } = await import('../commands/move/init.js')
      finish(await init({ ...command.optsWithGlobals<Omit<InitOptions, 'main'>>(), main }))
    })

  program
    .command('merge')
    .description('take the lines of conflict copies into their sessions; the copies go to .quarantine/')
    .argument('<files...>', 'copies of logs, such as "ann.sync-conflict-20261121-073217-ZMMT233.jsonl"')
    .option('--into <key>', 'the session, where the name of the file does not contain it', notEmpty)
    .action(async (files: string[], _: unknown, command: Command) => {
      const { merge } = await import('../commands/move/merge.js')
      finish(await merge(files, command.optsWithGlobals<MergeOptions>()))
    })

  program
    .command('hold')
    .description(
      'run a command while no process writes to the sessions, such as: hold -- git pull; signals go to the command',
    )
    .argument('<command...>', 'the command, behind --')
    .action(async (words: string[], _: unknown, command: Command) => {
      const { hold } = await import('../commands/move/hold.js')
      finish(await hold(words, command.optsWithGlobals<GlobalOptions>()))
    })

  program
    .command('merge-driver')
    .description("git's merge of one log; init registers it")
    .argument('<base>', '%O')
    .argument('<ours>', '%A, which gets the merged log')
    .argument('<theirs>', '%B')
    .argument('[path]', '%P')
    .action(async (base: string, ours: string, theirs: string, path: string | undefined) => {
      const { mergeDriver } = await import('../commands/move/merge-driver.js')
      finish(await mergeDriver({ base, ours, theirs, path }))
    })

  program
    .command('textconv')
    .description('a log as a transcript, for git diff; init registers it')
    .argument('<file>', 'a log')
    .action(async (file: string) => {
      const { textconv } = await import('../commands/move/textconv.js')
      finish(await textconv(file))
    })
}
