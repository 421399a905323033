/** The commands that count. */
import type { StatsOptions } from '../commands/look/stats.js'
import type { UsageOptions } from '../commands/operate/usage.js'
import { pagedUnless } from '../terminal/pager.js'
import { type Command, Option } from './commander.js'
import { since } from './values.js'

const KEY = 'key of a session, the beginning of one key only, or latest'
const SINCE = 'only messages since then: an age such as 30d, or a day such as 2026-11-28'

export function addFigureCommands(program: Command, finish: (exitCode: number) => void): void {
  program
    .command('stats')
    .description('messages, tokens and sizes, by day, agent and model, with small charts')
    .argument('[key]', `${KEY} (default: all sessions)`)
    .option('--since <time>', SINCE, since)
    .option('--json', 'print one JSON object')
    .action(async (key: string | undefined, _: unknown, command: Command) => {
      const { stats } = await import('../commands/look/stats.js')
      const options = command.optsWithGlobals<StatsOptions>()
      finish(await pagedUnless(options.json, () => stats(key, options)))
    })

  program
    .command('usage')
    .description('the tokens that were used, most first; the total is prompt and completion')
    .argument('[key]', `${KEY} (default: all sessions)`)
    .addOption(
      new Option('--by <what>', 'one row for each; days are those of this machine').choices([
        'session',
        'agent',
        'day',
        'model',
      ]),
    )
    .option('--since <time>', SINCE, since)
    .option('--json', 'print one JSON object')
    .action(async (key: string | undefined, _: unknown, command: Command) => {
      const { usage } = await import('../commands/operate/usage.js')
      const options = command.optsWithGlobals<UsageOptions>()
      finish(await pagedUnless(options.json, () => usage(key, options)))
    })
}
