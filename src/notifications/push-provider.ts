/** Whoever brings a push to a device: Web Push here; FCM and APNs are further ones of the same kind. */
export type PushProvider = {
  /** With which clients subscribe. */
  publicKey: string
  send: (device: PushDevice, push: Push, signal: AbortSignal) => Promise<PushAnswer>
}

/** Open, that is secret: who has all of it can send pushes there. */
export type PushDevice = { endpoint: string; p256dh: string; auth: string }

export type Push = {
  payload: string
  /** How long the service keeps it for a device that is off. Seconds. */
  ttlSeconds: number
  /** A later push of the same topic takes the place of one that still waits: at most 32 letters of base64url. */
  topic: string
  urgency: 'normal' | 'high'
}

export type PushAnswer =
  | { ok: true }
  | {
      ok: false
      kind: /** The service knows the device no longer, or it can never be reached. */
        | 'gone'
        /** A definite no. */
        | 'refused'
        /** Perhaps later. */
        | 'again'
      /** A code; never their words, which may repeat what we sent. */
      code: string
      retryAfterMs?: number
    }
