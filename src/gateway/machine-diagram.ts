import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate'

/** A statechart as Markdown: a diagram for the eye, and a table with every transition. */
export const machineDocument = (actor: string, machine: AnyStateMachine): string => {
  const rows = everyTransition(machine.root)
  const nodes = statesOf(machine.root)
  return [
    `# ${actor}`,
    '',
    `The statechart \`${machine.id}\`, written by \`npm run docs\`.`,
    '',
    '```mermaid',
    'stateDiagram-v2',
    ...nodes.flatMap((node) => declarationOf(node)),
    ...initialsOf(machine.root),
    ...arrowsOf(rows),
    ...nodes.filter(({ type }) => type === 'final').map((node) => `  ${idOf(node)} --> [*]`),
    '```',
    '',
    '| in | on | if | goes to | does |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map(({ from, on, guard, to, actions }) =>
      row([nameOf(from) || 'any state', on, guard, to ? nameOf(to) : 'stays', actions.join(', ')]),
    ),
    '',
    ...entriesOf(nodes),
  ].join('\n')
}

type Row = {
  from: AnyStateNode
  on: string
  guard: string
  to: AnyStateNode | undefined
  actions: string[]
  label: string
}

/** One arrow for all that leads from one state to another. */
const arrowsOf = (rows: readonly Row[]): string[] => {
  const arrows = new Map<string, string[]>()
  for (const { from, to, label } of rows) {
    // Mermaid cannot draw an arrow from a state to something inside it; the table has those.
    if (!to || (from !== to && isInside(to, from))) continue
    const arrow = `  ${idOf(from)} --> ${idOf(to)} : `
    arrows.set(arrow, [...(arrows.get(arrow) ?? []), label])
  }
  return [...arrows].map(([arrow, labels]) => arrow + labels.join('<br/>'))
}

const isInside = (node: AnyStateNode, other: AnyStateNode): boolean =>
  other.path.every((key, depth) => node.path[depth] === key)

const everyTransition = (node: AnyStateNode): Row[] => [
  ...[...node.transitions.values(), node.always ?? []].flat().map((transition) => rowOf(node, transition)),
  ...Object.values(node.states).flatMap(everyTransition),
]

const rowOf = (from: AnyStateNode, { eventType, guard, target, actions }: AnyTransitionDefinition): Row => {
  const on = eventType === '' ? 'always' : eventType.replace(/^xstate\.after\.(.+)\.[^.]+@.*$/, 'after $1')
  const condition = guardOf(guard)
  const label = condition ? `${on} [${condition}]` : on
  return { from, on, guard: condition, to: target?.[0], actions: namesOf(actions), label }
}

const guardOf = (guard: unknown): string => {
  if (guard === undefined) return ''
  if (typeof guard === 'string') return guard
  if (typeof guard === 'function') return 'condition'
  const { type, params } = guard as { type: string; params?: unknown }
  return typeof params === 'string' ? `${type} ${params}` : type
}

/** What has a name; the rest is plumbing that XState adds. */
const namesOf = (actions: readonly unknown[]): string[] =>
  actions
    .map((action) => (typeof action === 'string' ? action : ((action as { type?: string }).type ?? '')))
    .filter((name) => name !== '' && !name.startsWith('xstate.'))

const statesOf = (node: AnyStateNode): AnyStateNode[] =>
  Object.values(node.states).flatMap((child) => [child, ...statesOf(child)])

const initialsOf = (node: AnyStateNode, indent = '  '): string[] =>
  node.type === 'compound' ? node.initial.target.map((target) => `${indent}[*] --> ${idOf(target)}`) : []

/** Nested states stand inside their parent. */
const declarationOf = (node: AnyStateNode): string[] => {
  if (node.parent?.parent) return [] // Its parent has it.
  return nested(node, '  ')
}

const nested = (node: AnyStateNode, indent: string): string[] => {
  const children = Object.values(node.states)
  const self = `${indent}state "${node.key}" as ${idOf(node)}`
  if (children.length === 0) return [self]
  const between = node.type === 'parallel' ? [`${indent}  --`] : []
  return [
    `${self} {`,
    ...initialsOf(node, `${indent}  `),
    ...children.flatMap((child, index) => [...(index > 0 ? between : []), ...nested(child, `${indent}  `)]),
    `${indent}}`,
  ]
}

const entriesOf = (nodes: readonly AnyStateNode[]): string[] => {
  const lines = nodes
    .map((node) => ({ node, actions: namesOf(node.entry) }))
    .filter(({ actions }) => actions.length > 0)
    .map(({ node, actions }) => `- Entering \`${nameOf(node)}\` does ${actions.join(', ')}.`)
  return lines.length > 0 ? [...lines, ''] : []
}

const idOf = (node: AnyStateNode): string => `s_${node.path.join('_').replaceAll(/\W/g, '_')}`

const nameOf = (node: AnyStateNode): string => node.path.join('.')

const row = (cells: readonly string[]) =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
