/** The commands of the operator of a bot: what runs, what hangs, what a crash left, what may go. */

import type { CleanupCommandOptions } from '../commands/operate/cleanup.js'
import type { IndexOptions } from '../commands/operate/index.js'
import type { QuarantineOptions } from '../commands/operate/quarantine.js'
import type { RecoverCommandOptions } from '../commands/operate/recover.js'
import type { RunningOptions, StuckOptions } from '../commands/operate/running.js'
import type { TrashOptions, TrashPurgeOptions } from '../commands/operate/trash.js'
import type { WatchCommandOptions } from '../commands/operate/watch.js'
import type { ServeOptions } from '../commands/serve.js'
import type { GlobalOptions } from '../with-store.js'
import { type Command, Option } from './commander.js'
import { byteCount, duration, notEmpty, portNumber, wholeNumber } from './values.js'

const OLDER = 'a turn that runs for longer is stuck'
const LOOPBACK = ['127.0.0.1', 'localhost', '::1']
const FIVE_MINUTES = 300_000

export function addOperatorCommands(program: Command, finish: (exitCode: number) => void): void {
  program
    .command('running')
    .description('the sessions in which a turn runs, latest start first')
    .option('--json', 'print one JSON object')
    .action(async (_: unknown, command: Command) => {
      const { running } = await import('../commands/operate/running.js')
      finish(await running(command.optsWithGlobals<RunningOptions>()))
    })

  program
    .command('stuck')
    .description('the turns that run for too long or whose process is dead; exit code 1 when there are any')
    .addOption(new Option('--older <time>', OLDER).argParser(duration).default(FIVE_MINUTES, '5m'))
    .option('--json', 'print one JSON object')
    .action(async (_: unknown, command: Command) => {
      const { stuck } = await import('../commands/operate/running.js')
      finish(await stuck(command.optsWithGlobals<StuckOptions>()))
    })

  program
    .command('watch')
    .description('watch which turns begin, end, get stuck and are recovered; a live table on a terminal')
    .addOption(new Option('--older <time>', OLDER).argParser(duration).default(FIVE_MINUTES, '5m'))
    .option('--json', 'print one JSON object per event')
    .option(
      '--exec <command>',
      'shell command to run for each stuck turn; what it is about is in JSONL_SESSIONS_KEY, …',
      notEmpty,
    )
    .option('--poll', 'poll the file system instead of waiting for its events: for network drives')
    .addHelpText(
      'after',
      '\nThe command of --exec finds in its environment: JSONL_SESSIONS_KEY, _TURN_ID, _REASON (too-long, owner-dead or' +
        '\nheartbeat-lost), _SINCE (ISO 8601), _RUNNING_MS, _OWNER_HOST, _OWNER_PID, and JSONL_SESSIONS_ROOT.',
    )
    .action(async (_: unknown, command: Command) => {
      const { watch } = await import('../commands/operate/watch.js')
      finish(await watch(command.optsWithGlobals<WatchCommandOptions>()))
    })

  program
    .command('recover')
    .description(
      'report the turns whose process is dead, and what else a crash left; --as ends them, each once. Resumes nothing',
    )
    .addOption(
      new Option('--as <end>', 'end them: in state error; idle with a note in the log; just idle').choices([
        'error',
        'interrupt',
        'idle',
      ]),
    )
    .option('--dry-run', 'with --as: only report')
    .option('--json', 'print one JSON object')
    .action(async (_: unknown, command: Command) => {
      const { recover } = await import('../commands/operate/recover.js')
      finish(await recover(command.optsWithGlobals<RecoverCommandOptions>()))
    })

  program
    .command('cleanup')
    .description('move sessions to the trash, longest idle first; none that is running, pinned or unreadable')
    .option('--ttl <time>', 'those without activity for longer, such as 72h or 30d', duration)
    .option('--max-sessions <n>', 'those beyond this number', wholeNumber)
    .option('--max-bytes <size>', 'sessions that take the store beyond this size, such as 2GB', byteCount)
    .option('--down-to-bytes <size>', 'with --max-bytes: then down to this size', byteCount)
    .option('--min-age <time>', 'none without activity for less than this, whatever the limits say', duration)
    .option('--keep <tags...>', 'none with one of these tags (default: pinned)')
    .option('--dry-run', 'only report what would go')
    .option('--json', 'print one JSON object')
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<CleanupCommandOptions>()
      const { ttl, maxSessions, maxBytes, downToBytes } = options
      if (ttl === undefined && maxSessions === undefined && maxBytes === undefined) {
        command.error('name a limit: --ttl, --max-sessions or --max-bytes')
      }
      if (downToBytes !== undefined && (maxBytes === undefined || downToBytes > maxBytes)) {
        command.error('--down-to-bytes needs a --max-bytes that is not smaller')
      }
      const { cleanup } = await import('../commands/operate/cleanup.js')
      finish(await cleanup(options))
    })

  program
    .command('index')
    .description('make all of the index of searches now; a search makes it bit by bit')
    .option('--drop', 'remove it; the next search begins anew')
    .option('--json', 'print one JSON object')
    .action(async (_: unknown, command: Command) => {
      const { index } = await import('../commands/operate/index.js')
      finish(await index(command.optsWithGlobals<IndexOptions>()))
    })

  program
    .command('serve')
    .description('a local page: what runs, what was said, what is broken. Reads only without --allow-write')
    .option('--port <n>', 'the port; 0 is any free one', portNumber, 0)
    .option('--host <address>', 'the address to listen on, with --i-know', notEmpty, '127.0.0.1')
    .option('--i-know', 'other machines may reach the page: everyone with its address reads everything')
    .option('--open', 'open the page in the browser')
    .option(
      '--allow-write',
      'the page may rename, tag, restore messages, end dead turns and move sessions to the trash',
    )
    .addHelpText(
      'after',
      '\nThe address that is printed holds a token: treat it as a password. Ctrl-C ends the server.',
    )
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<ServeOptions>()
      if (!LOOPBACK.includes(options.host) && options.iKnow !== true) {
        command.error(`--host ${options.host} lets other machines in: add --i-know`)
      }
      const { serve } = await import('../commands/serve.js')
      finish(await serve(options))
    })

  addQuarantineCommands(
    program.command('quarantine').description('what no reader understands, lost lines and merged copies'),
    finish,
  )
  addTrashCommands(program.command('trash').description('what cleanup and rm took away'), finish)
}

function addQuarantineCommands(quarantine: Command, finish: (exitCode: number) => void): void {
  quarantine.helpCommand(false)

  quarantine
    .command('list')
    .description('the files there, newest first')
    .option('--json', 'print one JSON object')
    .action(async (_: unknown, command: Command) => {
      const { listQuarantine } = await import('../commands/operate/quarantine.js')
      finish(await listQuarantine(command.optsWithGlobals<QuarantineOptions>()))
    })

  quarantine
    .command('show')
    .description('what such a file holds')
    .argument('<id>', 'id of `quarantine list`, or the beginning of one only')
    .action(async (id: string, _: unknown, command: Command) => {
      const { showQuarantined } = await import('../commands/operate/quarantine.js')
      finish(await showQuarantined(id, command.optsWithGlobals<GlobalOptions>()))
    })

  quarantine
    .command('restore')
    .description('take lines back into their logs, once they can be read')
    .argument('<ids...>', 'ids of `quarantine list`')
    .action(async (ids: string[], _: unknown, command: Command) => {
      const { restoreQuarantined } = await import('../commands/operate/quarantine.js')
      finish(await restoreQuarantined(ids, command.optsWithGlobals<GlobalOptions>()))
    })
}

function addTrashCommands(trash: Command, finish: (exitCode: number) => void): void {
  trash.helpCommand(false)

  trash
    .command('list')
    .description('what can be put back, newest first')
    .option('--json', 'print one JSON object')
    .action(async (_: unknown, command: Command) => {
      const { listTrash } = await import('../commands/operate/trash.js')
      finish(await listTrash(command.optsWithGlobals<TrashOptions>()))
    })

  trash
    .command('restore')
    .description('put sessions back')
    .argument('<ids...>', 'ids of `trash list`, or keys: then the newest life of each')
    .action(async (ids: string[], _: unknown, command: Command) => {
      const { restoreTrash } = await import('../commands/operate/trash.js')
      finish(await restoreTrash(ids, command.optsWithGlobals<GlobalOptions>()))
    })

  trash
    .command('purge')
    .description('delete for good what was put there long ago')
    .requiredOption('--older-than <time>', 'longer ago than this, such as 30d; 0 is all', duration)
    .option('--dry-run', 'only report what would go')
    .option('-y, --yes', 'do not ask')
    .action(async (_: unknown, command: Command) => {
      const { purgeTrash } = await import('../commands/operate/trash.js')
      finish(await purgeTrash(command.optsWithGlobals<TrashPurgeOptions>()))
    })
}
