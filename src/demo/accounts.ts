import type { Role } from '../../actors/actor.ts'

/** The accounts of the demo data, which `npm run demo` signs in with as well. */

const DOMAIN = 'demo.laurel.test'

/** Known to everybody, so it is refused when NODE_ENV=production; LAUREL_DEMO_PASSWORD replaces it. */
export const DEMO_PASSWORD = 'laurel-demo'

/** Whether an account is one of the demo data, which a database may have from when it was no production. */
export const isDemoEmail = (email: string): boolean => email.toLowerCase().endsWith(`@${DOMAIN}`)

export const COORDINATORS = 6
export const MENTORS = 200
export const CERTIFICATIONS_OF_EACH = 3

/** Without a valid certificate of each of these types a mentor of the demo organisation is held. */
export const REQUIRED_CERT_TYPES = ['first_aid', 'safeguarding']

export const ADMIN_EMAIL = `admin@${DOMAIN}`
export const LEARNER_EMAIL = `learner@${DOMAIN}`
export const TUTOR_EMAIL = `tutor@${DOMAIN}`

/** @param number from 1 on */
export const coordinatorEmail = (number: number): string => `coordinator${number}@${DOMAIN}`

/** @param number from 1 on */
export const mentorEmail = (number: number): string => `mentor${number}@${DOMAIN}`

export type DemoUser = { id: string; email: string; name: string; role: Role }
