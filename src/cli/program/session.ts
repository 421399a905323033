/** The commands that copy, take back and label conversations. */

import type { ForkCommandOptions } from '../commands/change/fork.js'
import type { RedactCommandOptions } from '../commands/change/redact.js'
import type { RestoreOptions } from '../commands/change/restore.js'
import type { RewindOptions } from '../commands/change/rewind.js'
import type { GlobalOptions } from '../with-store.js'
import type { Command } from './commander.js'
import { notEmpty, regularExpression, wholeNumber } from './values.js'

const KEY = 'key of a session, the beginning of one key only, or latest'

export function addSessionCommands(program: Command, finish: (exitCode: number) => void): void {
  program
    .command('fork')
    .description('copy a session under a new key; both go on independently')
    .argument('<key>', KEY)
    .option('--at <id>', 'the last message that is copied', notEmpty)
    .option(
      '--last <n>',
      'only so many messages at the end, and the call that their first result belongs to',
      wholeNumber,
    )
    .option('--name <name>', 'name of the copy (default: "<name> (fork)")')
    .option('--json', 'print one JSON object')
    .action(async (key: string, _: unknown, command: Command) => {
      const { fork } = await import('../commands/change/fork.js')
      finish(await fork(key, command.optsWithGlobals<ForkCommandOptions>()))
    })

  program
    .command('rewind')
    .description('go back: remove the last messages; restore brings them back until a rewrite')
    .argument('<key>', KEY)
    .option('--to <id>', 'the last message that stays', notEmpty)
    .option('--keep <n>', 'so many of the first messages stay', wholeNumber)
    .option('--dry-run', 'only report what would go')
    .option('--json', 'print one JSON object')
    .action(async (key: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<RewindOptions>()
      if ((options.to === undefined) === (options.keep === undefined)) command.error('name --to or --keep')
      const { rewind } = await import('../commands/change/rewind.js')
      finish(await rewind(key, options))
    })

  program
    .command('restore')
    .description('bring removed messages back, at the end; see: show KEY --removed')
    .argument('<key>', KEY)
    .argument('<ids...>', 'ids of removed messages')
    .option('--json', 'print one JSON object')
    .action(async (key: string, ids: string[], _: unknown, command: Command) => {
      const { restore } = await import('../commands/change/restore.js')
      finish(await restore(key, ids, command.optsWithGlobals<RestoreOptions>()))
    })

  program
    .command('edit')
    .description('open a copy of the log in $EDITOR; what is saved is checked, and merged with what came meanwhile')
    .argument('<key>', KEY)
    .addHelpText(
      'after',
      '\nBots may go on. A line without an id gets one; a line that is taken out is taken out of the log.',
    )
    .action(async (key: string, _: unknown, command: Command) => {
      const { edit } = await import('../commands/change/edit.js')
      finish(await edit(key, command.optsWithGlobals<GlobalOptions>()))
    })

  program
    .command('redact')
    .description('replace what matches a pattern by [redacted] in what is written: log, quarantine, trash and index')
    .argument('[keys...]', KEY)
    .option('--all', 'every session')
    .requiredOption('--pattern <re>', 'regular expression, as in JavaScript', regularExpression)
    .option('--dry-run', 'only tell what would be changed')
    .addHelpText(
      'after',
      '\nLines keep their places, ids and times. What names sessions, lines and values, numbers and blobs are left: it is' +
        '\ntold where the pattern still matches (exit code 1). Copies in git, backups and exports cannot be reached.',
    )
    .action(async (keys: string[], _: unknown, command: Command) => {
      const options = command.optsWithGlobals<RedactCommandOptions>()
      if ((keys.length === 0) === (options.all !== true)) command.error('name sessions or --all')
      const { redact } = await import('../commands/change/redact.js')
      finish(await redact(keys, options))
    })

  addLabelCommands(program, finish)
}

function addLabelCommands(program: Command, finish: (exitCode: number) => void): void {
  for (const [name, description] of [
    ['tag', 'add tags to a session'],
    ['untag', 'take tags from a session'],
  ] as const) {
    program
      .command(name)
      .description(description)
      .argument('<key>', KEY)
      .argument('<tags...>', 'tags; upper and lower case differ')
      .action(async (key: string, tags: string[], _: unknown, command: Command) => {
        const labels = await import('../commands/change/labels.js')
        finish(await labels[name](key, tags, command.optsWithGlobals<GlobalOptions>()))
      })
  }

  program
    .command('rename')
    .description('give a session a name')
    .argument('<key>', KEY)
    .argument('<name>', "the name; '' for none")
    .action(async (key: string, name: string, _: unknown, command: Command) => {
      const { rename } = await import('../commands/change/labels.js')
      finish(await rename(key, name, command.optsWithGlobals<GlobalOptions>()))
    })
}
