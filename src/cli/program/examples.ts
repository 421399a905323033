/** What the help of a command ends with. */
import { PROGRAM } from '../terminal/output.js'
import type { Command } from './commander.js'

const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  list: ['list --limit 20', 'list --tag work', 'list --json'],
  show: ['show latest --last 5', 'show telegram_ann --ids', 'show telegram_ann --json'],
  tail: ['tail -f latest', 'tail -n 0 -f telegram_ann --json'],
  search: ['search tea', 'search order \'"two words"\''],
  stats: ['stats', 'stats telegram_ann --since 7d'],
  path: ['path latest'],
  tag: ['tag telegram_ann work urgent'],
  untag: ['untag telegram_ann urgent'],
  rename: ['rename telegram_ann "Ann\'s calendar"'],
  fork: ['fork telegram_ann', 'fork telegram_ann --last 20 --name "A second try"'],
  rewind: ['rewind telegram_ann --keep 10 --dry-run', 'rewind telegram_ann --to ID'],
  restore: ['show telegram_ann --removed', 'restore telegram_ann ID'],
  edit: ['edit telegram_ann', 'EDITOR="code --wait" jsonl-sessions edit latest'],
  compact: ['compact telegram_ann --summary "Ann plans a trip." --keep 10'],
  rewrite: ['rewrite telegram_ann', 'rewrite --all'],
  rm: ['rm telegram_ann', 'rm --purge telegram_ann'],
  stuck: ['stuck --older 10m'],
  watch: ['watch', "watch --older 10m --exec 'notify.sh'"],
  recover: ['recover', 'recover --as interrupt'],
  cleanup: ['cleanup --ttl 30d --dry-run', 'cleanup --max-sessions 10000 --max-bytes 2GB'],
  trash: ['trash list', 'trash restore telegram_ann', 'trash purge --older-than 30d'],
  quarantine: ['quarantine list', 'quarantine show telegram_ann/120', 'quarantine restore telegram_ann/120'],
  purge: ['purge --older-than 30d --dry-run'],
  check: ['check', 'check --fix --dry-run'],
  usage: ['usage --by agent', 'usage --by day --since 30d', 'usage telegram_ann --by model'],
  import: ['import ~/.codex/sessions', 'import chat.json --dry-run', 'import --list-formats'],
  export: ['export telegram_ann --format markdown'],
  init: ['init --git'],
  merge: ['merge "sessions/ann.sync-conflict-20261121-073217-ZMMT233.jsonl"'],
  hold: ['hold -- git pull'],
  bot: ['bot inbox.jsonl', 'connector | jsonl-sessions bot --quiet | sender'],
  completion: ['completion bash'],
}

export function addExamples(commands: readonly Command[]): void {
  for (const command of commands) {
    const examples = EXAMPLES[command.name()]?.map((one) => (one.includes(PROGRAM) ? one : `${PROGRAM} ${one}`))
    if (examples !== undefined) command.addHelpText('after', `\nExamples:\n  ${examples.join('\n  ')}`)
  }
}
