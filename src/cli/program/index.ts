import type { CompactSessionOptions, RewriteOptions } from '../commands/change/compact.js'
import type { PurgeOptions } from '../commands/change/purge.js'
import type { RmOptions } from '../commands/change/rm.js'
import type { Shell } from '../commands/completion.js'
import type { ListOptions } from '../commands/look/list.js'
import type { SearchOptions } from '../commands/look/search.js'
import type { ShowOptions } from '../commands/look/show.js'
import type { TailOptions } from '../commands/look/tail.js'
import type { CheckOptions } from '../commands/operate/check.js'
import { note, PROGRAM } from '../terminal/output.js'
import { pagedUnless } from '../terminal/pager.js'
import { packageVersion } from '../user-files.js'
import type { GlobalOptions } from '../with-store.js'
import { addBotCommand } from './bot.js'
import { addCheckFs } from './check-fs.js'
import { Argument, Command, Option } from './commander.js'
import { addExamples } from './examples.js'
import { addExchangeCommands } from './exchange.js'
import { addFigureCommands } from './figures.js'
import { addGraphCommands } from './graph.js'
import { groupCommands, shownCommands } from './groups.js'
import { addOperatorCommands } from './operator.js'
import { addSessionCommands } from './session.js'
import { addSyncCommands } from './sync.js'
import { duration, notEmpty, wholeNumber } from './values.js'

const KEY = 'key of a session, the beginning of one key only, or latest'
/** Of lines of the help. */
const MOST_COLUMNS = 100

const HELP_END = `
Examples:
  ${PROGRAM} list
  ${PROGRAM} show latest --last 5
  ${PROGRAM} search 'order "two words"'
  ${PROGRAM} tail -f telegram_ann

Exit codes: 0 done, 1 something failed or is damaged, 2 wrong usage, 3 not found,
4 in use by another process, 130 interrupted.`

function helpWidth(): number {
  return Math.min(process.stdout.columns ?? MOST_COLUMNS, MOST_COLUMNS)
}

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
    .option('--network', 'the folder may lie on a network drive (also: JSONL_SESSIONS_NETWORK=1)')
    .option('--no-color', 'no colours (also: NO_COLOR=1)')
    .option('--version', 'print the version')
    .on('option:version', () => {
      process.stdout.write(`${packageVersion(main)}\n`)
      process.exit(0)
    })
    .on('option:network', () => {
      process.env.JSONL_SESSIONS_NETWORK = '1'
    })
    .on('option:no-color', () => {
      // FORCE_COLOR would win over NO_COLOR.
      delete process.env.FORCE_COLOR
      process.env.NO_COLOR = '1'
    })
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true, visibleCommands: ({ commands }) => shownCommands(commands) })
    .configureOutput({ getOutHelpWidth: helpWidth, getErrHelpWidth: helpWidth })
    .addHelpText('after', HELP_END)

  addBotCommand(program, finish)

  program
    .command('list')
    .description('the sessions, newest activity first')
    .option('--limit <n>', 'at most so many', wholeNumber)
    .option('--tag <tag>', 'only those with this tag')
    .option('--json', 'print one JSON object')
    .action(async (_: unknown, command: Command) => {
      const { list } = await import('../commands/look/list.js')
      const options = command.optsWithGlobals<ListOptions>()
      finish(await pagedUnless(options.json, () => list(options)))
    })

  program
    .command('show')
    .description('the conversation of one session')
    .argument('<key>', KEY)
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
    .option('--ids', 'the id of each message, as rewind, fork and restore want it')
    .option('--full', 'long values, such as images, in full')
    .option('--json', 'print one JSON message per line')
    .action(async (key: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<ShowOptions>()
      if (options.context) {
        const { showContext } = await import('../commands/look/show.js')
        finish(await pagedUnless(options.json, () => showContext(key, options)))
      } else if (options.removed) {
        const { showRemoved } = await import('../commands/look/show.js')
        finish(await pagedUnless(options.json, () => showRemoved(key, options)))
      } else {
        const { show } = await import('../commands/look/show.js')
        finish(await pagedUnless(options.json, () => show(key, options)))
      }
    })

  program
    .command('tail')
    .description('the last messages of a session; with -f also what comes, until it is stopped')
    .argument('<key>', KEY)
    .option('-n, --last <n>', 'so many messages first', wholeNumber, 10)
    .option('-f, --follow', 'go on with what is appended; states go to standard error')
    .option('--json', 'print one JSON object {id, at, message} a line')
    .action(async (key: string, _: unknown, command: Command) => {
      const { tail } = await import('../commands/look/tail.js')
      finish(await tail(key, command.optsWithGlobals<TailOptions>()))
    })

  program
    .command('path')
    .description('print the path of the log of a session')
    .argument('<key>', KEY)
    .action(async (key: string, _: unknown, command: Command) => {
      const { path } = await import('../commands/look/path.js')
      finish(await path(key, command.optsWithGlobals<GlobalOptions>()))
    })

  program
    .command('search')
    .description('the sessions whose messages hold any of the words, best first')
    .argument('<words...>', 'words, parts of words, or \'"phrases in quotes"\'')
    .option('--limit <n>', 'at most so many (default: 50)', wholeNumber)
    .option('--json', 'print one JSON object')
    .action(async (words: string[], _: unknown, command: Command) => {
      const { search } = await import('../commands/look/search.js')
      const options = command.optsWithGlobals<SearchOptions>()
      finish(await pagedUnless(options.json, () => search(words, options)))
    })

  program
    .command('rm')
    .description('move sessions to the trash; trash restore brings them back')
    .argument('<keys...>', 'keys of sessions; the beginning of a key does when you are asked')
    .option('--purge', 'delete them for good instead')
    .option('--force', 'also a session in which a turn runs')
    .option('-y, --yes', 'do not ask')
    .action(async (keys: string[], _: unknown, command: Command) => {
      const { rm } = await import('../commands/change/rm.js')
      finish(await rm(keys, command.optsWithGlobals<RmOptions>()))
    })

  program
    .command('compact')
    .description('archive the messages of a session under a summary; they stay in the log')
    .argument('[keys...]', KEY)
    .option('--summary <text>', 'what the model is to see instead of the archived messages', notEmpty)
    .option('--keep <n>', 'so many messages at the end are not archived', wholeNumber)
    .addOption(new Option('--all').hideHelp())
    .addOption(new Option('--force').hideHelp())
    .addHelpText('after', `\nWithout --summary it does what ${PROGRAM} rewrite does, and says so.`)
    .action(async (keys: string[], _: unknown, command: Command) => {
      const options = command.optsWithGlobals<RewriteOptions & Partial<CompactSessionOptions>>()
      const { summary, keep } = options
      if (summary !== undefined || keep !== undefined) {
        if (summary === undefined || keep === undefined) command.error('--summary and --keep need each other')
        if (keys.length !== 1 || options.all) command.error('--summary is for one session: name it')
        const { compactSession } = await import('../commands/change/compact.js')
        return finish(await compactSession(keys[0]!, { ...options, summary, keep }))
      }
      if ((keys.length === 0) !== (options.all === true)) command.error('name the sessions, or use --all')
      note(`compact without --summary is now: ${PROGRAM} rewrite`)
      const { rewrite } = await import('../commands/change/compact.js')
      finish(await rewrite(keys, options))
    })

  program
    .command('rewrite')
    .description('write logs anew without what was removed; unreadable lines are kept in .quarantine')
    .argument('[keys...]', KEY)
    .option('--all', 'all sessions')
    .option('--force', 'also files in which no line is one of a session')
    .action(async (keys: string[], _: unknown, command: Command) => {
      const options = command.optsWithGlobals<RewriteOptions>()
      if ((keys.length === 0) !== (options.all === true)) command.error('name the sessions, or use --all')
      const { rewrite } = await import('../commands/change/compact.js')
      finish(await rewrite(keys, options))
    })

  program
    .command('purge')
    .description('delete archived messages for good, of all sessions; what was counted stays counted')
    .requiredOption('--older-than <age>', 'archived longer ago than so many days, such as 30d; 0 is all', duration)
    .option('--dry-run', 'only report what would go')
    .option('-y, --yes', 'do not ask')
    .action(async (_: unknown, command: Command) => {
      const { purge } = await import('../commands/change/purge.js')
      finish(await purge(command.optsWithGlobals<PurgeOptions>()))
    })

  addFigureCommands(program, finish)
  addOperatorCommands(program, finish)
  addExchangeCommands(program, finish)
  addSyncCommands(program, finish, main)
  addSessionCommands(program, finish)
  addGraphCommands(program, finish)

  const checking = program
    .command('check')
    .description('look for damage; reads only without --fix')
    .argument('[keys...]', `${KEY} (default: all sessions, and what else is in the folder)`)
    .option('--all', 'all sessions')
    .option('--fix', 'mend what can be mended; all that is taken out is kept in .quarantine')
    .option('--dry-run', 'with --fix: only report what it would do')
    .option('--force', 'with --fix: also files in which no line is one of a session')
    .option('--json', 'print one JSON object')
    .action(async (keys: string[], _: unknown, command: Command) => {
      const options = command.optsWithGlobals<CheckOptions>()
      if (options.all && keys.length > 0) command.error('name the sessions, or use --all')
      if (options.dryRun && !options.fix) command.error('--dry-run is for --fix')
      if (options.force && !options.fix) command.error('--force is for --fix')
      const { check } = await import('../commands/operate/check.js')
      finish(await check(keys, options))
    })
  addCheckFs(checking, finish)

  program
    .command('completion')
    .description('print the completion script of a shell')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .addHelpText('after', `\nFor bash: eval "$(${PROGRAM} completion bash)" in ~/.bashrc.`)
    .action(async (shell: Shell) => {
      const { completion } = await import('../commands/completion.js')
      finish(await completion(shell))
    })

  program
    .command('complete')
    .addArgument(new Argument('<what>').choices(['commands', 'keys']))
    .action(async (what: 'commands' | 'keys', _: unknown, command: Command) => {
      const { complete } = await import('../commands/completion.js')
      const names = shownCommands(program.commands).map((one) => one.name())
      finish(await complete(what, names, command.optsWithGlobals<GlobalOptions>()))
    })

  program
    .command('help')
    .description('the help of a command')
    .argument('[command]')
    .action((name: string | undefined) => {
      const command = name === undefined ? program : program.commands.find((one) => one.name() === name)
      if (command === undefined) return program.error(`unknown command '${name}'`)
      command.help()
    })

  groupCommands(program)
  addExamples(program.commands)
  return program
}
