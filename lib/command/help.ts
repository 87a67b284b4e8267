/** Usage and the man page, from the table of commands. */
import { COMMANDS, commandRow, optionRow, optionsOf, type CommandName, type OptionName } from './table.js'

const COLUMN = 30
const WIDTH = 100

const shown = (Object.keys(COMMANDS) as CommandName[]).filter((name) => commandRow(name).isHidden !== true)

/** What `piecemeal --help` says. */
export function usage (): string {
  return [
    'usage: piecemeal COMMAND …',
    '',
    '  piecemeal share PATH       on the machine that has it',
    '  piecemeal get TICKET       on the others, as that one says',
    '',
    'commands:',
    ...shown.flatMap((name) => row(heading(name), commandRow(name).does)),
    '',
    'piecemeal COMMAND --help says more. Each option is a variable, too, but those that overwrite or expose: --secret-file is PIECEMEAL_SECRET_FILE.',
    'Without a variable it may stand in ~/.config/piecemeal/config.json or /etc/piecemeal/config.json: {"tracker": "HOST:PORT"}.',
    'piecemeal doctor says where each setting comes from.',
  ].join('\n')
}

export function commandUsage (name: CommandName): string {
  const { does, about } = commandRow(name)
  return [
    `usage: piecemeal ${heading(name)}`,
    '',
    ...wrap(`${does.charAt(0).toUpperCase()}${does.slice(1)}.`, WIDTH),
    ...(about === undefined ? [] : wrap(about, WIDTH)),
    '',
    ...optionsOf(name).flatMap((option) => row(optionHeading(option), optionRow(option).means)),
  ].join('\n')
}

/** For `man`, in the macros that every system has. */
export function manPage (version: string): string {
  const escape = (text: string): string => text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replace(/^([.'])/, '\\&$1')
  return [
    `.TH PIECEMEAL 1 "" "piecemeal ${version}" "User Commands"`,
    '.SH NAME',
    'piecemeal \\- move large files between machines, in pieces, from whoever has them',
    '.SH SYNOPSIS',
    ...shown.flatMap((name) => ['.br', `.B piecemeal ${escape(heading(name))}`]),
    '.SH COMMANDS',
    ...shown.flatMap((name) => [
      '.SS', escape(`piecemeal ${heading(name)}`),
      escape(`${commandRow(name).does}.`),
      ...(commandRow(name).about === undefined ? [] : ['.PP', escape(commandRow(name).about ?? '')]),
      ...commandRow(name).options.flatMap((option) => ['.TP', `.B ${escape(optionHeading(option as OptionName).trim())}`, escape(optionRow(option as OptionName).means)]),
    ]),
    '.SH ENVIRONMENT',
    escape('Each option but those that overwrite or expose is a variable: PIECEMEAL_ and its name. Flags win over variables, these over the files. PIECEMEAL_TICKET is the ticket of a get without one.'),
    '.SH FILES',
    escape('$XDG_CONFIG_HOME/piecemeal/config.json, /etc/piecemeal/config.json'),
    '',
  ].join('\n')
}

function heading (name: CommandName): string {
  const { operands, passesOn } = commandRow(name)
  return [name, operands, passesOn ? '' : '[OPTION…]'].filter((word) => word !== '').join(' ')
}

function optionHeading (name: OptionName): string {
  const { short, value, isValueOptional } = optionRow(name)
  const behind = value === undefined ? '' : isValueOptional ? `[=${value}]` : ` ${value}`
  return `${short === undefined ? '    ' : `-${short}, `}--${name}${behind}`
}

/** Two columns; what is long on the left has a line of its own. */
function row (left: string, right: string): string[] {
  const lines = wrap(right, WIDTH - COLUMN)
  const [first = ''] = lines
  const indented = (line: string): string => `${' '.repeat(COLUMN)}${line}`
  return left.length + 4 > COLUMN ? [`  ${left}`, ...lines.map(indented)] : [`  ${left}`.padEnd(COLUMN) + first, ...lines.slice(1).map(indented)]
}

function wrap (text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
