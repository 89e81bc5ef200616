import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What takes minutes, most of them spent waiting; begun last, one of these would keep everybody waiting alone. */
const LONG = [
  'chaos',
  'money',
  'kill',
  'removal-campaign',
  'faults/database',
  'main',
  'readme',
  'faults/pooler',
  'guide.unit',
]

/** The order of test files: the long ones first, the others as vitest has them. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const index = LONG.findIndex((name) => moduleId.endsWith(`test/${name}.test.ts`))
      return index === -1 ? LONG.length : index
    }
    // oxlint-disable-next-line unicorn/no-array-sort -- this `sort` is vitest's, and changes nothing
    const usual = await super.sort(files)
    return usual.toSorted((one, other) => place(one) - place(other))
  }
}
