import type { Invariant } from './doctor.ts'

/** `about` names the actors without which there is nothing to look at. */
type DomainInvariant = Invariant & { about: readonly string[] }

/** The amounts that a payment knows of, one a row. */
const AMOUNTS = `select payment.id, 'charged' as what, snapshot -> 'context' -> 'charged' as minor from payment
  union all select payment.id, 'refund ' || (entry ->> 'refundId'), entry -> 'minor'
    from payment, jsonb_array_elements(snapshot -> 'context' -> 'refunds') as entry
  union all select payment.id, 'dispute ' || (entry ->> 'disputeId'), entry -> 'minor'
    from payment, jsonb_array_elements(snapshot -> 'context' -> 'disputes') as entry
  union all select payment.id, 'price', snapshot -> 'context' -> 'amount' -> 'minor' from payment
  union all select refund.id, 'refund', snapshot -> 'context' -> 'amount' -> 'minor' from refund`

/** The refunds that payments know of, one a row. */
const BOOKED = `select payment.id as payment_id, payment.org_id, payment.payer_id, entry ->> 'refundId' as refund_id,
    entry ->> 'minor' as minor, entry ->> 'standing' as standing, snapshot -> 'context' -> 'amount' ->> 'currency' as currency
  from payment, jsonb_array_elements(snapshot -> 'context' -> 'refunds') as entry`

/** What must be true of money, of organisations, of what is awarded, and of sign-ins. */
export const domainInvariants: readonly DomainInvariant[] = [
  {
    name: 'amounts',
    about: ['payment', 'refund'],
    holds: 'every amount is a whole number of minor units, and none is negative',
    contradictions: `select id, what, minor from (${AMOUNTS}) as amount
      where case when jsonb_typeof(minor) = 'number' then minor::numeric < 0 or minor::numeric % 1 <> 0 else true end`,
  },
  {
    name: 'charged_once',
    about: ['payment'],
    holds: 'no payment has settled twice',
    contradictions: `select actor_id as payment_id, count(*) as times from journal
      where actor_type = 'payment' and events @> '[{"type": "payment.settled"}]'
      group by actor_id having count(*) > 1`,
  },
  {
    name: 'refunded',
    about: ['payment'],
    holds: 'no more is given back of a payment than came in',
    contradictions: `select id as payment_id, charged, given_back from (
        select id, (snapshot -> 'context' ->> 'charged')::numeric as charged, (
          select coalesce(sum((entry ->> 'minor')::numeric), 0)
          from jsonb_array_elements(snapshot -> 'context' -> 'refunds') as entry
          where entry ->> 'standing' in ('pending', 'processed')
        ) as given_back from payment
      ) as books where given_back > charged`,
  },
  {
    name: 'refunds',
    about: ['payment', 'refund'],
    holds: 'each refund is one of its payment, with the same amount, payer and organisation',
    contradictions: `select refund.id as refund_id, refund.payment_id, booked.minor as booked,
        snapshot -> 'context' -> 'amount' as amount
      from refund left join (${BOOKED}) as booked on booked.refund_id = refund.id::text
      where (booked.payment_id, booked.org_id, booked.payer_id, booked.minor, booked.currency) is distinct from
        (refund.payment_id, refund.org_id, refund.payer_id, snapshot -> 'context' -> 'amount' ->> 'minor',
          snapshot -> 'context' -> 'amount' ->> 'currency')`,
  },
  {
    name: 'disputes',
    about: ['payment', 'dispute'],
    holds: 'each dispute is about a payment of its payer and organisation',
    contradictions: `select dispute.id as dispute_id, dispute.payment_id from dispute
      left join payment on payment.id = dispute.payment_id
      where (payment.org_id, payment.payer_id) is distinct from (dispute.org_id, dispute.payer_id)`,
  },
  {
    name: 'purchases',
    about: ['payment', 'purchase'],
    holds: 'what pays for a purchase is a payment of its payer for its offering',
    contradictions: `select purchase.id as purchase_id, purchase.snapshot -> 'context' -> 'holder' as holder
      from purchase left join payment
        on payment.id = (purchase.snapshot -> 'context' -> 'holder' ->> 'paymentId')::uuid
      where jsonb_typeof(purchase.snapshot -> 'context' -> 'holder') = 'object'
        and (payment.org_id, payment.payer_id, payment.offering_id) is distinct from
          (purchase.org_id, purchase.payer_id, purchase.offering_id)`,
  },
  {
    name: 'certifications',
    about: ['certification', 'mentor'],
    holds: 'each certification is of a mentor of its organisation',
    contradictions: `select certification.id as certification_id, mentor_id from certification
      left join mentor on mentor.id = mentor_id where mentor.org_id is distinct from certification.org_id`,
  },
  {
    name: 'certificate_numbers',
    about: ['certificate', 'certificateSeries'],
    holds: 'each number that a series has given out is that of a certificate, or on its way to it',
    contradictions: `select year, last, numbered, promised, highest from (
        select year, last,
          (select count(*) from effect where actor_id = series.id) as promised,
          count(number) as numbered, coalesce(max(split_part(number, '-', 3)::bigint), 0) as highest
        from certificate_series as series
        left join certificate on number like 'CERT-' || lpad(year::text, 4, '0') || '-%'
        group by series.id, year, last
      ) as counted where last <> numbered + promised or highest > last`,
  },
  {
    name: 'badges',
    about: ['badge', 'badgeDefinition'],
    holds: 'each badge is one that its organisation has had to earn',
    contradictions: `select badge.id as badge_id, definition_id from badge
      left join badge_definition as definition on definition.id = definition_id
      where definition.org_id is distinct from badge.org_id
        or definition.snapshot -> 'context' ->> 'activatedAt' is null`,
  },
  {
    name: 'badges_locked',
    about: ['badge', 'badgeDefinition'],
    holds: 'what somebody has earned a badge by can no longer change, or is about to be locked',
    contradictions: `select badge.id as badge_id, definition_id, definition.status from badge
      join badge_definition as definition on definition.id = definition_id
      where definition.status not in ('locked', 'archived') and not exists (
        select from effect where actor_type = 'badge' and params ->> 'id' = definition_id::text
          and params -> 'message' ->> 'type' = 'badge.awarded'
      )`,
  },
  {
    name: 'badges_once',
    about: ['badge'],
    holds: 'the badges of one person in one period are numbered from 1, and only the newest may stand',
    contradictions: `select id as badge_id, ordinal, last, badges from (
        select id, ordinal, revoked, max(ordinal) over earned as last, count(*) over earned as badges from badge
        window earned as (partition by definition_id, recipient_user_id, period)
      ) as numbered where last <> badges or (ordinal < last and not revoked)`,
  },
  {
    name: 'dead_letters',
    about: ['deadLetter'],
    holds: 'each effect that failed for good, and was announced, has its dead letter',
    contradictions: `select effect.id, effect.name, last_error from effect
      left join dead_letter on dead_letter.effect = effect.id
      where effect.status = 'dead' and announced and dead_letter.id is null`,
  },
  {
    name: 'prices',
    about: [],
    holds: 'each price is the one that was set last',
    contradictions: `select price.offering_id, price.amount_minor, last.amount_minor as recorded_minor
      from price left join (
        select distinct on (offering_id) * from price_change order by offering_id, id desc
      ) as last on last.offering_id = price.offering_id
      where (price.org_id, price.title, price.amount_minor, price.currency, price.active) is distinct from
        (last.org_id, last.title, last.amount_minor, last.currency, last.active)`,
  },
  {
    name: 'sign_ins',
    about: [],
    holds: 'nobody who is blocked is signed in',
    contradictions: `select session.id as session_id, user_id from session join user_account on user_account.id = user_id
      where ended_at is null and blocked_at is not null`,
  },
]
