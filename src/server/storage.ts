import { createIsTaken } from '../../persistence/actor-ids.ts'
import { createAuthorizations } from '../../persistence/authorizations.ts'
import { createImportStore } from '../../persistence/imports.ts'
import { createJournalCursors } from '../../persistence/journal-cursors.ts'
import { createJournal } from '../../persistence/journal.ts'
import { createPrices } from '../../persistence/prices.ts'
import { createRead } from '../../persistence/read.ts'
import { createTopicSnapshots } from '../../persistence/topic-snapshots.ts'
import { createDirectory } from '../auth/organisations.ts'
import { createVault } from '../vault.ts'
import type { Ground } from './ground.ts'

export type Storage = ReturnType<typeof createStorage>

/** What is kept in the database, as the parts of the server ask for it; the engine writes actors by itself. */
export const createStorage = ({ options, database, definitions }: Ground) => {
  const journal = createJournal(database.sql)
  const directory = createDirectory(database)
  const pushKey = () => options.push?.publicKey ?? null
  return {
    journal,
    directory,
    read: createRead(database, journal, definitions, directory.organisation, pushKey),
    isTaken: createIsTaken(database.sql, definitions),
    snapshots: createTopicSnapshots(database.sql),
    cursors: createJournalCursors(database.sql),
    prices: createPrices(database),
    imports: createImportStore(database),
    authorizations: createAuthorizations(database),
    vault: createVault(options.vaultKeys),
  }
}
