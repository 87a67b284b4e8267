/** Scripts for shells, which ask `piecemeal __complete WORDS…` what could come next; it answers within 300 ms, and never says what is wrong. */
import type { Output } from '../ui/reporter.js'
import { version } from '../cli/process.js'
import { ControlClient } from '../control/control-client.js'
import { socketsHere } from '../control/sockets.js'
import { usage, type Settings } from './settings.js'
import { COMMANDS, commandRow, isCommand, optionRow, optionsOf, type CommandName } from './table.js'

const MOST_MS = 300
const SCRIPTS: Record<string, string> = {
  bash: `_piecemeal () {
  local IFS=$'\\n'
  COMPREPLY=($(piecemeal __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  if [ \${#COMPREPLY[@]} -eq 0 ]; then compopt -o default 2>/dev/null
  elif [ $COMP_CWORD -gt 1 ]; then compopt -o filenames 2>/dev/null; fi
  return 0
}
complete -F _piecemeal piecemeal`,
  zsh: `#compdef piecemeal
_piecemeal () {
  local -a found
  found=("\${(@f)$(piecemeal __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "$found[1]" ]]; then compadd -a found; else _files; fi
}
compdef _piecemeal piecemeal`,
  fish: `function __piecemeal_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l found (piecemeal __complete $words[2..-1] 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c piecemeal -f -a '(__piecemeal_complete)'`,
}

export async function completion (settings: Settings, { out }: Output): Promise<number> {
  const [shell = ''] = settings.operands
  const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined
  if (script === undefined) throw usage(`there is a completion for ${Object.keys(SCRIPTS).join(', ')}, not for ${JSON.stringify(shell)}`)
  out(script)
  return 0
}

/** @param words those that were typed, the last as far as it is there */
export async function complete (words: readonly string[], { out }: Output): Promise<number> {
  for (const word of await wordsAfter(words)) out(word)
  return 0
}

async function wordsAfter (words: readonly string[]): Promise<string[]> {
  const last = words.at(-1) ?? ''
  const [command] = words
  const beginning = (all: readonly string[]): string[] => all.filter((word) => word.startsWith(last))
  if (words.length <= 1 || command === undefined) return beginning(shownCommands())
  if (!isCommand(command)) return []
  if (last.startsWith('-')) return beginning(optionsOf(command).map((name) => `--${name}`))
  const option = (words.at(-2) ?? '').replace(/^--/, '')
  // A value of an option: whatever the shell itself knows.
  if (optionsOf(command).some((name) => name === option && optionRow(name).value !== undefined)) return []
  if (command === 'completion') return beginning(Object.keys(SCRIPTS))
  return ['get', 'list', 'cancel', 'unshare', 'verify'].includes(command) ? beginning(await namesOf(command)) : []
}

function shownCommands (): string[] {
  return (Object.keys(COMMANDS) as CommandName[]).filter((name) => commandRow(name).isHidden !== true)
}

/** What there is to be named, as the node of this user knows it. */
async function namesOf (command: CommandName): Promise<string[]> {
  const names: string[] = []
  const late = new Promise<void>((resolve) => { setTimeout(resolve, MOST_MS).unref() })
  const asking = (async () => {
    const { PIECEMEAL_SOCKET: named = '' } = process.env
    for (const { path } of named === '' ? await socketsHere() : [{ path: named }]) {
      const client = await ControlClient.connect(path, await version())
      if (client === undefined) continue
      await client.ask(['get', 'list'].includes(command) ? ['list'] : ['status'], (event) => {
        const { files = [], sharing = [], fetching = [] } = event as { files?: Array<{ filename: string }>, sharing?: Array<{ file: string }>, fetching?: Array<{ file: string }> }
        names.push(...files.map(({ filename }) => filename), ...(command === 'cancel' ? fetching : sharing).map(({ file }) => file))
      })
      client.close()
    }
  })()
  await Promise.race([asking.catch(() => {}), late])
  return names
}
