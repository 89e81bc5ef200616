/** Best first: the order in which a status counts as worse. */
export const CERTIFICATION_STATUSES = ['valid', 'expiring_soon', 'expired', 'suspended', 'revoked'] as const
export type CertificationStatus = (typeof CERTIFICATION_STATUSES)[number]

/**
 * Where a certificate stands at `now`. Suspension and revocation are decisions and stand until they are lifted;
 * everything else follows from the dates. The one place of this rule: machines, queries and clients ask it. Without a
 * date of expiry it stays valid.
 * Instants are ISO-8601 UTC with milliseconds, so text compares as time.
 */
export const certificationStatus = (
  certificate: { status: string; expiresAt: string | null },
  policy: { expiringWindowDays: number },
  now: string,
): CertificationStatus => {
  if (certificate.status === 'suspended' || certificate.status === 'revoked') return certificate.status
  if (certificate.expiresAt === null) return 'valid'
  if (now >= certificate.expiresAt) return 'expired'
  return now >= daysBefore(certificate.expiresAt, policy.expiringWindowDays) ? 'expiring_soon' : 'valid'
}

/** The instant so many times 24 hours before another one. */
export const daysBefore = (instant: string, days: number): string =>
  new Date(Date.parse(instant) - days * 86_400_000).toISOString()
