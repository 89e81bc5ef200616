import { Migration } from '@mikro-orm/migrations'

type MigrationClass = new (...deps: ConstructorParameters<typeof Migration>) => Migration

/** Several that are applied as one. */
export const together = (...classes: readonly MigrationClass[]): MigrationClass =>
  class extends Migration {
    override async up() {
      await this.each('up', classes)
    }

    override async down() {
      await this.each('down', classes.toReversed())
    }

    private async each(direction: 'up' | 'down', all: readonly MigrationClass[]) {
      for (const One of all) {
        const one = new One(this.driver, this.config)
        await one[direction]()
        for (const query of one.getQueries()) this.addSql(query)
      }
    }
  }
