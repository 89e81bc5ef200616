import { clearScreenDown, moveCursor } from 'node:readline'
import type { EventFrame } from '../../contracts/protocol.ts'

/** Time to read, where somebody is reading. */
export const PAUSE_MS = process.stdout.isTTY ? 3_000 : 200

/** Lines that stay, and below them a block that is drawn again and again. */
export type Screen = {
  say: (text?: string) => void
  /** Draws the block at the bottom; where there is no terminal, prints it once. */
  show: (lines: readonly string[]) => void
  /** Draws the block again when the terminal can; otherwise does nothing. */
  refresh: (lines: readonly string[]) => void
  /** The block becomes lines that stay. */
  leave: () => void
}

/** In a pipe or a file every line is plain and final. */
export const createScreen = (out: NodeJS.WriteStream): Screen => {
  let block: readonly string[] = []
  const erase = () => {
    if (!out.isTTY || block.length === 0) return
    moveCursor(out, 0, -block.length)
    clearScreenDown(out)
  }
  const draw = () => {
    for (const line of block) out.write(`${cut(line, out)}\n`)
  }
  const show = (lines: readonly string[]) => {
    erase()
    block = lines
    draw()
    if (!out.isTTY) block = []
  }
  return {
    say: (text = '') => {
      erase()
      out.write(`${text}\n`)
      draw()
    },
    show,
    refresh: (lines) => {
      if (out.isTTY && block.length > 0) show(lines)
    },
    leave: () => {
      block = []
    },
  }
}

/** The line for an event that was pushed. */
export const pushed = ({ at, type }: EventFrame, described: string): string =>
  `  ${at.slice(11, 19)}  pushed  ${type.padEnd(28)}${described}`.trimEnd()

/** A line that wraps would take two rows, and the next erasing would leave one behind. */
const cut = (line: string, { isTTY, columns }: NodeJS.WriteStream) =>
  isTTY
    ? Array.from(line)
        .slice(0, columns - 1)
        .join('')
    : line
