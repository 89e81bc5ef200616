import { Migration } from '@mikro-orm/migrations'

/** Effects are taken kind by kind, and those that failed for good are announced once to people. */
export class EffectLanes extends Migration {
  override up() {
    // "taken" counts who has begun with it: whoever is not the first has to ask what became of it. "deaths" tells one
    // failure for good from the next, after somebody had it tried again.
    this.addSql(`alter table effect
      add column taken integer not null default 0,
      add column deaths integer not null default 0,
      add column announced boolean not null default false`)
    this.addSql(`drop index effect_pending`)
    this.addSql(`create index effect_due on effect (name, next_at) where status = 'pending'`)
    this.addSql(`create index effect_unannounced on effect (next_at) where status = 'dead' and not announced`)
  }

  override down() {
    this.addSql(`drop index effect_due`)
    this.addSql(`drop index effect_unannounced`)
    this.addSql(`create index effect_pending on effect (next_at) where status = 'pending'`)
    this.addSql(`alter table effect drop column taken, drop column deaths, drop column announced`)
  }
}
