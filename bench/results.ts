import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'

type Row = Readonly<Record<string, unknown>>

const rows: Row[] = []
let current = ''

/** What is recorded from now on belongs to this benchmark. */
export const begin = (bench: string): void => {
  current = bench
}

/** One line of a table, for the file beside it. */
export const record = (row: Row): void => void rows.push({ bench: current, ...row })

/** Writes everything that has been recorded, and on what, into `bench/results`. @returns the path */
export const writeResults = (name: string): string => {
  mkdirSync('bench/results', { recursive: true })
  const path = `bench/results/${name}.json`
  const machine = {
    processor: cpus()[0]?.model,
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    node: process.version,
    commit: commit(),
    at: new Date().toISOString(),
  }
  writeFileSync(path, `${JSON.stringify({ machine, rows }, undefined, 2)}\n`)
  return path
}

const commit = () => {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  } catch {
    return undefined // Not every copy is a repository.
  }
}
