import { EXIT } from '../exit-code.js'
import { escapeLine } from '../terminal/escape.js'
import { PROGRAM, print } from '../terminal/output.js'
import { type GlobalOptions, readStore, storeIsThere } from '../with-store.js'

export type Shell = 'bash' | 'zsh' | 'fish'

/** Commands and keys come from the command itself, so that a script stays right when they change. */
const SCRIPTS: Record<Shell, string> = {
  bash: `_jsonl_sessions() {
  local word="\${COMP_WORDS[COMP_CWORD]}"
  local words
  if [ "$COMP_CWORD" -eq 1 ]; then words="$(${PROGRAM} complete commands)"; else words="$(${PROGRAM} complete keys 2> /dev/null)"; fi
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _jsonl_sessions ${PROGRAM}`,
  zsh: `#compdef ${PROGRAM}
_jsonl_sessions() {
  local -a words
  if (( CURRENT == 2 )); then words=("\${(@f)$(${PROGRAM} complete commands)}"); else words=("\${(@f)$(${PROGRAM} complete keys 2> /dev/null)}"); fi
  compadd -a words
  _files
}
compdef _jsonl_sessions ${PROGRAM}`,
  fish: `complete -c ${PROGRAM} -n __fish_use_subcommand -f -a '(${PROGRAM} complete commands)'
complete -c ${PROGRAM} -n 'not __fish_use_subcommand' -a '(${PROGRAM} complete keys 2> /dev/null)'`,
}

export async function completion(shell: Shell): Promise<number> {
  await print(SCRIPTS[shell])
  return EXIT.done
}

/** One word a line, for the scripts; keys that a terminal would not show as they are are left out. */
export async function complete(
  what: 'commands' | 'keys',
  commands: readonly string[],
  { root }: GlobalOptions,
): Promise<number> {
  const keys = async () => ((await storeIsThere(root)) ? readStore(root, (store) => store.keys()) : [])
  const words = what === 'commands' ? commands : (await keys()).filter((key) => escapeLine(key) === key)
  if (words.length > 0) await print(words.join('\n'))
  return EXIT.done
}
