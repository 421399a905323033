/** The commands for what `RuntimePersistence` keeps: the graph of a session, its blobs, and their care. */

import type { VacuumOptions } from '../commands/change/vacuum.js'
import type { GraphOptions } from '../commands/look/graph.js'
import type { BlobsOptions } from '../commands/operate/blobs.js'
import type { GcOptions } from '../commands/operate/gc.js'
import { pagedUnless } from '../terminal/pager.js'
import type { Command } from './commander.js'

const KEY = 'key of a session, or the beginning of one key only'

export function addGraphCommands(program: Command, finish: (exitCode: number) => void): void {
  program
    .command('graph')
    .description("an agent's graph as a tree: its nodes, the branches, the active path marked")
    .argument('<key>', KEY)
    .option('--json', 'print one JSON object')
    .action(async (key: string, _: unknown, command: Command) => {
      const { graph } = await import('../commands/look/graph.js')
      const options = command.optsWithGlobals<GraphOptions>()
      finish(await pagedUnless(options.json, () => graph(key, options)))
    })

  program
    .command('blobs')
    .description('the blobs of a session, largest first, and what the head needs of them')
    .argument('<key>', KEY)
    .option('--json', 'print one JSON object')
    .action(async (key: string, _: unknown, command: Command) => {
      const { blobs } = await import('../commands/operate/blobs.js')
      finish(await blobs(key, command.optsWithGlobals<BlobsOptions>()))
    })

  program
    .command('gc')
    .description('delete the blobs that no head needs; none of a session whose head is in doubt')
    .argument('[key]', KEY)
    .option('--all', 'all sessions')
    .option('--dry-run', 'only report what would go')
    .action(async (key: string | undefined, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<GcOptions>()
      if ((key === undefined) !== (options.all === true)) command.error('name a session, or use --all')
      const { gc } = await import('../commands/operate/gc.js')
      finish(await gc(key, options))
    })

  program
    .command('vacuum')
    .description('rewrite the log of a session without the nodes that were marked as deleted')
    .argument('<key>', KEY)
    .option('--dry-run', 'only report what would go')
    .action(async (key: string, _: unknown, command: Command) => {
      const { vacuum } = await import('../commands/change/vacuum.js')
      finish(await vacuum(key, command.optsWithGlobals<VacuumOptions>()))
    })
}
