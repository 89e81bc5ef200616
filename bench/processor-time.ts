import { readdirSync, readFileSync } from 'node:fs'

/** The kernel counts in hundredths of a second wherever Linux runs on x86 and ARM. */
const TICK_MS = 10

/** Processor time that a process has used so far, in milliseconds. */
export const processorMs = (pid: number): number => {
  const { user, system } = statOf(pid)
  return (user + system) * TICK_MS
}

/** That of a process and of all its children, those that have ended included; PostgreSQL has one for each connection. */
export const familyProcessorMs = (parent: number): number => {
  const { childUser, childSystem } = statOf(parent)
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger)
  const living = pids.map(statIfThere).filter((stat) => stat?.parent === parent)
  const livingMs = living.reduce((sum, stat) => sum + (stat!.user + stat!.system) * TICK_MS, 0)
  return processorMs(parent) + (childUser + childSystem) * TICK_MS + livingMs
}

const statIfThere = (pid: number) => {
  try {
    return statOf(pid)
  } catch {
    return undefined // It has ended since the folder was read.
  }
}

const statOf = (pid: number) => {
  const line = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name before it is in brackets, and may have blanks and brackets of its own.
  const fields = line
    .slice(line.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  return {
    parent: fields[1]!,
    user: fields[11]!,
    system: fields[12]!,
    childUser: fields[13]!,
    childSystem: fields[14]!,
  }
}
