const WRITABLE = `alter table journal disable trigger journal_append_only`
const LAST = `(select max(position) from journal)`
const inContext = (table: string, path: string, value: string) =>
  `update ${table} set snapshot = jsonb_set(snapshot, '{context,${path}}', '${value}')`

/** What somebody might do to a database, and the invariants that it breaks. */
export const DEEDS: Record<string, { does: string[]; breaks: string[] }> = {
  'a turn is removed from the middle': {
    does: [
      `delete from journal where position = (select position from journal where actor_type = 'payment' and version = 2 limit 1)`,
    ],
    breaks: ['positions', 'versions'],
  },
  'the last turn is removed': {
    does: [`delete from journal where position = ${LAST}`],
    breaks: ['head', 'actors'],
  },
  'the head goes back': {
    does: ['update journal_head set position = position - 1'],
    breaks: ['head'],
  },
  'the head is lost': { does: ['delete from journal_head'], breaks: ['head'] },
  'a turn takes a position more': {
    does: [WRITABLE, `update journal set position = position + 1 where position = ${LAST}`],
    breaks: ['positions', 'head'],
  },
  'a message is taken twice': {
    does: [
      WRITABLE,
      'drop index journal_message',
      `update journal set message_id = (select message_id from journal first where first.actor_id = journal.actor_id
        and version = 1) where actor_type = 'payment' and version = 3`,
    ],
    breaks: ['messages'],
  },
  'a timer fires early': {
    does: [WRITABLE, `update journal set at = at + interval '1 hour' where cause = 'timer'`],
    breaks: ['punctual'],
  },
  'an actor is turned back': {
    does: [`update mentor set version = version - 1`],
    breaks: ['actors'],
  },
  'an actor is in another state than its journal says': {
    does: [`update payment set state = 'paid'`],
    breaks: ['actors'],
  },
  'an actor is lost': { does: ['delete from dispute'], breaks: ['actors', 'timers'] },
  'an actor has no journal': {
    does: [
      `insert into certification (id, version, machine, state, snapshot, timers)
        select gen_random_uuid(), version, machine, state, snapshot, '{}' from certification limit 1`,
    ],
    breaks: ['actors'],
  },
  'a timer is lost': { does: ['delete from timer'], breaks: ['timers'] },
  'a timer is moved': {
    does: [`update timer set due_at = due_at + interval '1 millisecond'`],
    breaks: ['timers'],
  },
  'a timer that nobody set': {
    does: [
      `insert into timer (actor_type, actor_id, name, generation, due_at) select 'mentor', id, 'ghost', 1, now() from mentor`,
    ],
    breaks: ['timers'],
  },
  'an effect of a turn that there is not': {
    does: [
      `insert into effect (id, actor_type, actor_id, version, name, params, next_at)
        select 'ghost', 'mentor', id, version + 1, 'tell', '{}', now() from mentor`,
    ],
    breaks: ['effects'],
  },
  'an effect that has been carried out already': {
    does: [
      `insert into effect (id, actor_type, actor_id, version, name, params, next_at)
        select substr(message_id, 8), 'payment', actor_id, 1, 'verifyPayment', '{}', now() from journal
        where actor_type = 'payment' and message_id like 'effect:payment:%' limit 1`,
    ],
    breaks: ['settled'],
  },
  'a dead effect without a letter': {
    does: [
      `insert into effect (id, actor_type, actor_id, version, name, params, next_at, status, announced)
        select 'ghost', 'mentor', id, 1, 'tell', '{}', now(), 'dead', true from mentor`,
    ],
    breaks: ['dead_letters'],
  },
  'half a kobo': { does: [inContext('payment', 'charged', '499999.5')], breaks: ['amounts'] },
  'a negative amount': {
    does: [inContext('refund', 'amount,minor', '-1')],
    breaks: ['amounts', 'refunds'],
  },
  'an amount in words': { does: [inContext('payment', 'charged', '"500000"')], breaks: ['amounts'] },
  'more given back than came in': {
    does: [inContext('payment', 'charged', '99999')],
    breaks: ['refunded'],
  },
  'a refund of another payment': {
    does: [`update refund set payment_id = gen_random_uuid()`],
    breaks: ['refunds'],
  },
  'a payment that settles twice': {
    does: [
      WRITABLE,
      `update journal set events = jsonb_set(events, '{0,type}', '"payment.settled"') where actor_type = 'payment' and version = 1`,
    ],
    breaks: ['charged_once'],
  },
  'a dispute about nobody’s payment': {
    does: [`update dispute set payment_id = gen_random_uuid()`],
    breaks: ['disputes'],
  },
  'a purchase that somebody else’s payment pays for': {
    does: [`update purchase set payer_id = gen_random_uuid()`],
    breaks: ['purchases'],
  },
  'a mentor of another organisation': {
    does: [`update mentor set org_id = gen_random_uuid()`],
    breaks: ['published_mentor', 'certifications'],
  },
  'a certificate that somebody made disappear': {
    does: [`update certificate set number = null where number like '%-00001'`],
    breaks: ['certificate_numbers'],
  },
  'a number that no series has given out': {
    does: [`update certificate set number = replace(number, '-00001', '-00003') where number like '%-00001'`],
    breaks: ['certificate_numbers'],
  },
  'a badge that nobody could earn': {
    does: [inContext('badge_definition', 'activatedAt', 'null')],
    breaks: ['badges'],
  },
  'a badge that has been earned and can still change': {
    does: [`update badge_definition set status = 'active'`],
    breaks: ['badges_locked'],
  },
  'a badge that was taken back and stands beside the next one': {
    does: ['drop index badge_live', 'update badge set revoked = false'],
    breaks: ['badges_once'],
  },
  'a badge that somebody made disappear': {
    does: [`delete from badge where revoked`],
    breaks: ['actors', 'badges_once'],
  },
  'a price without a record': {
    does: [
      'alter table price disable trigger price_is_recorded',
      'update price set amount_minor = amount_minor - 1',
    ],
    breaks: ['prices'],
  },
  'somebody blocked who is still signed in': {
    does: ['update user_account set blocked_at = now()'],
    breaks: ['sign_ins'],
  },
}
