/** Under which headings the help lists the commands, in its order. A command that is not here is internal. */
import type { Command } from './commander.js'

const GROUPS: Record<string, readonly string[]> = {
  'Look:': ['list', 'show', 'tail', 'search', 'stats', 'path', 'serve'],
  'Change:': ['tag', 'untag', 'rename', 'fork', 'rewind', 'restore', 'edit', 'compact', 'rewrite', 'redact', 'rm'],
  'Operate:': [
    'running',
    'stuck',
    'watch',
    'recover',
    'cleanup',
    'trash',
    'quarantine',
    'purge',
    'check',
    'index',
    'usage',
  ],
  'Move:': ['import', 'export', 'init', 'merge', 'hold'],
  'Serve a bot:': ['bot'],
  'Graphs of agents:': ['graph', 'blobs', 'gc', 'vacuum'],
  'Shell:': ['completion', 'help'],
}

const NAMES = Object.values(GROUPS).flat()
const placeOf = (command: Command) => NAMES.indexOf(command.name())

/** The commands that help shows, in the order of the groups. */
export function shownCommands(commands: readonly Command[]): Command[] {
  return commands.filter((command) => placeOf(command) >= 0).sort((a, b) => placeOf(a) - placeOf(b))
}

export function groupCommands(program: Command): void {
  for (const [heading, names] of Object.entries(GROUPS))
    for (const command of program.commands)
      if (names.includes(command.name()))
        command.helpGroup(heading)
        // the headings stand in the order of the commands
  ;(program.commands as Command[]).sort((a, b) => placeOf(a) - placeOf(b))
}
