/** The commands that bring conversations of other tools in, and take conversations out. */
import type { ExportCommandOptions } from '../commands/move/export.js'
import type { ImportCommandOptions } from '../commands/move/import.js'
import { type Command, Option } from './commander.js'
import { notEmpty } from './values.js'

export function addExchangeCommands(program: Command, finish: (exitCode: number) => void): void {
  program
    .command('import')
    .description('take in conversations of other tools; a second import takes in what is new')
    .argument('[paths...]', 'files or folders')
    .option('--format <name>', 'the format, where it is not to be found out', notEmpty)
    .option('--list-formats', 'print the formats')
    .option('--key <key>', 'the key of the session instead of <format>/<id>', notEmpty)
    .option('--dry-run', 'only report what would come in')
    .addOption(
      new Option('--branches <which>', 'branches that were left: not, or as forks')
        .choices(['active', 'all'])
        .default('active'),
    )
    .option('--no-records', 'lines that are no message are only counted')
    .option('--raw', 'each message keeps its source lines')
    .option('--final', 'the files will not grow any more (default: those untouched for 10 minutes)')
    .option('--assistant <name...>', 'senders that are the assistant, by name or id')
    .addOption(
      new Option('--dates <order>', 'order of day, month and year in WhatsApp chats').choices(['dmy', 'mdy', 'ymd']),
    )
    .option(
      '--zone <name>',
      'time zone of WhatsApp chats, such as Europe/Rome (default: that of this machine)',
      notEmpty,
    )
    .option('--threads', 'Slack: a session a thread')
    .option('--follow', 'go on taking in what the files grow by, until stopped')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 some lines were bad and the others came in, 2 wrong usage or unknown format.',
    )
    .action(async (paths: string[], _: unknown, command: Command) => {
      const options = command.optsWithGlobals<ImportCommandOptions & { listFormats?: boolean }>()
      const { importPaths, listFormats } = await import('../commands/move/import.js')
      if (options.listFormats) return finish(await listFormats(options))
      if (paths.length === 0) command.error('name a file or a folder')
      finish(await importPaths(paths, options))
    })

  program
    .command('export')
    .description('write conversations in a format that other tools read')
    .argument('[keys...]', 'keys of sessions, or the beginning of one key only')
    .addOption(
      new Option('--format <name>', 'the format')
        .choices(['markdown', 'html', 'jsonl', 'openai', 'sharegpt'])
        .makeOptionMandatory(),
    )
    .option('-o, --output <file>', 'the file, or a folder that gets a file a session', notEmpty)
    .option('--all', 'all sessions')
    .option('--context', 'what the model would see')
    .addHelpText('after', '\nExit codes: 0 done, 1 something was not found or could not be read, 2 wrong usage.')
    .action(async (keys: string[], _: unknown, command: Command) => {
      const options = command.optsWithGlobals<ExportCommandOptions>()
      if ((keys.length === 0) !== (options.all === true)) command.error('name the sessions, or use --all')
      const { exportSessions } = await import('../commands/move/export.js')
      finish(await exportSessions(keys, options))
    })
}
