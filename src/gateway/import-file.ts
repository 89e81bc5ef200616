import { isUtf8 } from 'node:buffer'
import { pipeline } from 'node:stream/promises'
import { setImmediate as nextTick } from 'node:timers/promises'
import { CsvError, parse } from 'csv-parse'
import { hasCardNumber } from '../../contracts/card-numbers.ts'
import type { FileRow } from '../../persistence/imports.ts'
import { IMPORT_COLUMNS } from '../effects/import-row.ts'
import { HttpRefusal } from './http-envelope.ts'

/** Most rows of one file, without the header. */
const MAX_ROWS = 100_000

const CHUNK_BYTES = 64 * 1024
/** Characters. Each field is searched for card numbers in one go. */
const MOST_OF_A_ROW = 8_192

/**
 * Reads a whole CSV file (RFC 4180) into rows whose fields stand in the order of `IMPORT_COLUMNS`. Other requests are
 * served in between.
 * @throws HttpRefusal `invalid_input` when it is no such file; rows that are wrong by themselves are left to the import
 */
export const readImportFile = async (content: Buffer): Promise<FileRow[]> => {
  if (!isUtf8(content)) throw unreadable('the file is not UTF-8')
  if (content.includes(0)) throw unreadable('the file is not text: it contains NUL')
  const lineAt = createLineCount(content)
  const rows: FileRow[] = []
  let pick: ((fields: readonly string[]) => string[] | null) | undefined
  let line = lineAt(0)
  try {
    await pipeline(
      inChunks(content),
      parse({
        bom: true,
        relax_column_count: true,
        skip_empty_lines: true,
        max_record_size: MOST_OF_A_ROW,
        record_delimiter: ['\r\n', '\n', '\r'],
        on_record: (fields: string[], { bytes }) => {
          if (!pick) pick = columnsOf(fields)
          else if (rows.length === MAX_ROWS) throw unreadable(`the file has more than ${MAX_ROWS} rows`)
          else if (fields.some(hasCardNumber)) throw holdsCardNumber(line)
          else rows.push({ line, fields: pick(fields) })
          line = lineAt(bytes)
          return null
        },
      }).resume(),
    )
  } catch (error) {
    if (error instanceof CsvError) throw unreadable(`the row at line ${line}: ${reasonOf(error)}`)
    throw error
  }
  if (rows.length === 0) throw unreadable('the file has no rows')
  return rows
}

async function* inChunks(content: Buffer) {
  for (let start = 0; start < content.length; start += CHUNK_BYTES) {
    yield content.subarray(start, start + CHUNK_BYTES)
    await nextTick()
  }
}

const LF = 10
const CR = 13

/**
 * The line on which the row begins that follows so many bytes; asked for ever larger numbers. The parser's own count
 * takes CR LF inside quotes for two lines.
 */
const createLineCount = (content: Buffer) => {
  let at = 0
  let line = 1
  return (bytes: number): number => {
    // Empty lines between rows are no rows.
    for (; at < bytes || content[at] === LF || content[at] === CR; at++)
      if (content[at] === LF || (content[at] === CR && content[at + 1] !== LF)) line++
    return line
  }
}

/** What the parser complains about; its own words quote the file. */
const reasonOf = ({ code }: CsvError): string => {
  if (code === 'CSV_QUOTE_NOT_CLOSED') return 'a quotation mark is opened and never closed'
  if (code === 'CSV_INVALID_CLOSING_QUOTE') return 'text follows a closing quotation mark'
  if (code === 'CSV_MAX_RECORD_SIZE') return `it is longer than ${MOST_OF_A_ROW} characters`
  return 'a quotation mark stands inside an unquoted field'
}

/** Finds the columns in the header; a function that puts the fields of a row in our order, or `null` for a wrong number. */
const columnsOf = (header: readonly string[]) => {
  const names = header.map((name) => inSnakeCase(name.trim()))
  const missing = IMPORT_COLUMNS.filter((column) => !names.includes(column))
  const unknown = names.filter((name) => !IMPORT_COLUMNS.some((column) => column === name))
  const twice = IMPORT_COLUMNS.filter((column) => names.indexOf(column) !== names.lastIndexOf(column))
  const faults = [
    ...missing.map((column) => ({ path: [column], reason: 'is missing' })),
    ...twice.map((column) => ({ path: [column], reason: 'is there twice' })),
    ...unknown.map((name) => ({ path: [name.slice(0, 64)], reason: 'is unknown' })),
  ]
  if (faults.length > 0)
    throw unreadable(
      `the header must name ${IMPORT_COLUMNS.join(', ')}, separated by commas`,
      faults.slice(0, 20),
    )
  const places = IMPORT_COLUMNS.map((column) => names.indexOf(column))
  return (fields: readonly string[]) =>
    fields.length === names.length ? places.map((place) => fields[place]!) : null
}

const inSnakeCase = (name: string): string =>
  name.replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).toLowerCase()

/** The rows are kept as they are until they have been imported. */
const holdsCardNumber = (line: number) =>
  new HttpRefusal({
    code: 'pan_not_accepted',
    message: `the row at line ${line} holds what looks like the number of a card`,
  })

const unreadable = (message: string, details?: unknown) =>
  new HttpRefusal({ code: 'invalid_input', message, ...(details === undefined ? {} : { details }) })
