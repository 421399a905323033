import type { BotOptions } from '../commands/bot.js'
import type { CheckOptions } from '../commands/check.js'
import type { CompactOptions, CompactSessionOptions } from '../commands/compact.js'
import type { ListOptions } from '../commands/list.js'
import type { PurgeOptions } from '../commands/purge.js'
import type { RmOptions } from '../commands/rm.js'
import type { SearchOptions } from '../commands/search.js'
import type { ShowOptions } from '../commands/show.js'
import type { UsageOptions } from '../commands/usage.js'
import { PROGRAM } from '../terminal/output.js'
import { packageVersion } from '../user-files.js'
import { Command, Option } from './commander.js'
import { addExchangeCommands } from './exchange.js'
import { addGraphCommands } from './graph.js'
import { addOperatorCommands } from './operator.js'
import { addSessionCommands } from './session.js'
import { addSyncCommands } from './sync.js'
import { atLeastOne, days, httpUrl, notEmpty, seconds, wholeNumber } from './values.js'

const KEYS = 'key of a session, or the beginning of one key only'

/** The commands and their options; `main` is the path of main.js. What a command does is loaded when it is called. */
export function buildProgram(finish: (exitCode: number) => void, main: string): Command {
  const program = new Command(PROGRAM)
    .description('Keeps the conversations of chat bots in plain files, one JSONL log per sender.')
    .addOption(
      new Option('--root <dir>', 'folder of the sessions')
        .env('JSONL_SESSIONS_ROOT')
        .default('sessions', './sessions')
        .argParser(notEmpty),
    )
    .option('--no-color', 'no colours (also: NO_COLOR=1)')
    .option('--version', 'print the version')
    .on('option:version', () => {
      process.stdout.write(`${packageVersion(main)}\n`)
      process.exit(0)
    })
    .on('option:no-color', () => {
      // FORCE_COLOR would win over NO_COLOR.
      delete process.env.FORCE_COLOR
      process.env.NO_COLOR = '1'
    })
    .helpCommand(false)
    .addHelpText('after', '\nExit codes: 0 done, 1 something failed or was not found, 2 wrong usage.')

  program
    .command('bot')
    .description('serve an inbox: JSON lines {sender, text, reply?} from a file or a pipe')
    .argument('[file]', 'the inbox; - is standard input, the default when it is a pipe')
    .option('--default <file>', 'the inbox when none is named', notEmpty)
    .option('--concurrency <n>', 'senders served at once', atLeastOne, 8)
    .option(
      '--base-url <url>',
      'OpenAI-compatible endpoint that answers lines without reply, up to /chat/completions',
      httpUrl,
    )
    .option('--model <name>', 'model that the endpoint is to use', notEmpty)
    .option('--system <text>', 'system message that the model gets first')
    .option('--history <n>', 'messages of the conversation that the model gets to see', atLeastOne, 100)
    .option('--timeout <seconds>', 'how long the endpoint may take for an answer', seconds, 60)
    .option('--json', 'print the summary as one JSON object')
    .addHelpText(
      'after',
      '\nWithout --base-url a built-in responder answers, offline.' +
        "\nThe endpoint's key is taken from JSONL_SESSIONS_API_KEY or OPENAI_API_KEY.",
    )
    .action(async (file: string | undefined, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<BotOptions>()
      if ((options.baseUrl === undefined) !== (options.model === undefined)) {
        command.error('--base-url and --model need each other')
      }
      const name = file ?? options.default ?? (process.stdin.isTTY ? undefined : '-')
      if (name === undefined || name === '') command.error('name an inbox file, or pipe one in')
      const { bot } = await import('../commands/bot.js')
      finish(await bot(name, options))
    })

  program
    .command('list')
    .description('the sessions, newest activity first')
    .option('--limit <n>', 'at most so many', wholeNumber)
    .option('--tag <tag>', 'only those with this tag')
    .option('--json', 'print one JSON object')
    .action(async (_: unknown, command: Command) => {
      const { list } = await import('../commands/list.js')
      finish(await list(command.optsWithGlobals<ListOptions>()))
    })

  program
    .command('show')
    .description('the conversation of one session')
    .argument('<key>', KEYS)
    .option('--last <n>', 'only the last messages', wholeNumber)
    .addOption(
      new Option('--context', 'what the model would see: the summary, then what is not archived').conflicts('last'),
    )
    .addOption(
      new Option('--removed', 'what was removed and is still in the log, with the ids that restore wants').conflicts([
        'last',
        'context',
      ]),
    )
    .option('--json', 'print one JSON message per line')
    .action(async (key: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<ShowOptions>()
      if (options.context) {
        const { showContext } = await import('../commands/show.js')
        finish(await showContext(key, options))
      } else if (options.removed) {
        const { showRemoved } = await import('../commands/show.js')
        finish(await showRemoved(key, options))
      } else {
        const { show } = await import('../commands/show.js')
        finish(await show(key, options))
      }
    })

  program
    .command('search')
    .description('the sessions whose messages hold any of the words, best first')
    .argument('<words...>', 'words, parts of words, or \'"phrases in quotes"\'')
    .option('--limit <n>', 'at most so many (default: 50)', wholeNumber)
    .option('--json', 'print one JSON object')
    .action(async (words: string[], _: unknown, command: Command) => {
      const { search } = await import('../commands/search.js')
      finish(await search(words, command.optsWithGlobals<SearchOptions>()))
    })

  program
    .command('rm')
    .description('delete sessions for good')
    .argument('<keys...>', 'keys of sessions; the beginning of a key does when you are asked')
    .option('-y, --yes', 'do not ask')
    .action(async (keys: string[], _: unknown, command: Command) => {
      const { rm } = await import('../commands/rm.js')
      finish(await rm(keys, command.optsWithGlobals<RmOptions>()))
    })

  program
    .command('compact')
    .description(
      'rewrite logs without what was removed; unreadable lines are kept aside.' +
        ' With --summary: archive the messages of one session',
    )
    .argument('[keys...]', KEYS)
    .option('--all', 'all sessions')
    .option('--force', 'rewrite also files in which no line is one of a session')
    .option('--summary <text>', 'what the model is to see instead of the archived messages', notEmpty)
    .option('--keep <n>', 'with --summary: so many messages at the end are not archived', wholeNumber)
    .action(async (keys: string[], _: unknown, command: Command) => {
      const options = command.optsWithGlobals<CompactOptions & Partial<CompactSessionOptions>>()
      const { summary, keep } = options
      if (summary !== undefined || keep !== undefined) {
        if (summary === undefined || keep === undefined) command.error('--summary and --keep need each other')
        if (keys.length !== 1 || options.all) command.error('--summary is for one session: name it')
        const { compactSession } = await import('../commands/compact.js')
        return finish(await compactSession(keys[0]!, { ...options, summary, keep }))
      }
      if ((keys.length === 0) !== (options.all === true)) command.error('name the sessions, or use --all')
      const { compact } = await import('../commands/compact.js')
      finish(await compact(keys, options))
    })

  program
    .command('purge')
    .description('delete archived messages for good, of all sessions; what was counted stays counted')
    .requiredOption('--older-than <age>', 'archived longer ago than so many days, such as 30d; 0 is all', days)
    .option('--dry-run', 'only tell what would go')
    .option('-y, --yes', 'do not ask')
    .action(async (_: unknown, command: Command) => {
      const { purge } = await import('../commands/purge.js')
      finish(await purge(command.optsWithGlobals<PurgeOptions>()))
    })

  program
    .command('usage')
    .description('the tokens that were used, most first; the total is prompt and completion')
    .argument('[key]', `${KEYS} (default: all sessions)`)
    .addOption(new Option('--by <what>', 'one row for each').choices(['agent']))
    .option('--json', 'print one JSON object')
    .action(async (key: string | undefined, _: unknown, command: Command) => {
      const { usage } = await import('../commands/usage.js')
      finish(await usage(key, command.optsWithGlobals<UsageOptions>()))
    })

  addOperatorCommands(program, finish)
  addExchangeCommands(program, finish)
  addSyncCommands(program, finish, main)
  addSessionCommands(program, finish)
  addGraphCommands(program, finish)

  program
    .command('check')
    .description('look for damage; reads only, unless told to mend it')
    .argument('[keys...]', `${KEYS} (default: all sessions, and what else is in the folder)`)
    .option('--all', 'all sessions')
    .option('--fix', 'mend what can be mended; all that is taken out is kept in .quarantine')
    .option('--dry-run', 'with --fix: only tell what it would do')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExit codes: 0 clean, 1 damage or no such session, 2 wrong usage, 3 a session is in use.')
    .action(async (keys: string[], _: unknown, command: Command) => {
      const options = command.optsWithGlobals<CheckOptions>()
      if (options.all && keys.length > 0) command.error('name the sessions, or use --all')
      if (options.dryRun && !options.fix) command.error('--dry-run is for --fix')
      const { check } = await import('../commands/check.js')
      finish(await check(keys, options))
    })

  return program
}
