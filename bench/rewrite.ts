import { registerHooks } from 'node:module'

/** Changes the text of one file of the product when it is loaded, for a comparison that the product has no setting for. */
export const rewrite = (path: string, from: string | RegExp, to: string): void => {
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context)
      if (!url.endsWith(`/${path}`)) return loaded
      const before = Buffer.from(loaded.source as Uint8Array).toString()
      const after = before.replace(from, to)
      if (after === before) throw new Error(`${path} does not have what is to be replaced`)
      return { ...loaded, source: after }
    },
  })
}
