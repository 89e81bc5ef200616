import type { Disclosures } from '../../persistence/disclosures.ts'

type Downloaded = { type: string; id: string; holderId: string }

/** Writes down who has had a credential, or the document of one. Looking at one's own is no disclosure. */
export const createDownloaded =
  (disclosures: Pick<Disclosures, 'add'>, now: () => number) =>
  async ({ type, id, holderId }: Downloaded, userId: string): Promise<void> => {
    if (userId === holderId) return
    const at = new Date(now())
    const seen = { means: 'download', nameShown: true, by: { userId }, at } as const
    await disclosures.add({ credentialType: type, credentialId: id, ...seen })
  }
