import { z } from 'zod'
import { ROLES } from '../../actors/actor.ts'
import { CARD_REFUSED, isFreeOfCards } from '../../contracts/card-numbers.ts'
import { GivenPassword, NewPassword } from './passwords.ts'

/** What the routes of `routes.ts` accept. Unknown fields are refused: nobody registers as an administrator. */

const Email = z
  .string()
  .max(100)
  .transform((text) => text.trim().toLowerCase())
  .pipe(z.email())
  .refine(isFreeOfCards, CARD_REFUSED)

/** One line: NFC, no control characters, and no marks that turn the direction of writing (Trojan Source). */
const Name = z
  .string()
  .max(400)
  .refine((text) => text.isWellFormed(), 'must be well-formed Unicode')
  .transform((text) => text.normalize('NFC').trim())
  .refine(
    (text) => !/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(text),
    'must be one line of plain text',
  )
  .pipe(z.string().min(1).max(100))
  .refine(isFreeOfCards, CARD_REFUSED)

/** At most 15 digits (E.164), which is fewer than most cards have; the others are known by their series. */
const Phone = z
  .string()
  .regex(/^\+?[0-9 ()-]{5,19}$/, 'must be a telephone number')
  .refine((text) => text.replaceAll(/\D/g, '').length <= 15, 'must be a telephone number')
  .refine((text) => !/^\+?3[04678]/.test(text) || isFreeOfCards(text), CARD_REFUSED)

const AvatarUrl = z
  .url({ protocol: /^https$/ })
  .max(255)
  .refine((text) => {
    const { username, password } = new URL(text)
    return username === '' && password === ''
  }, 'must not carry a password')
  .refine(isFreeOfCards, CARD_REFUSED)

export const RegisterBody = z.strictObject({
  email: Email,
  password: NewPassword,
  name: Name,
  phone: Phone.optional(),
  avatarUrl: AvatarUrl.optional(),
})

/** Nothing but the form is checked: the rules of new passwords say nothing about old ones. */
export const LoginBody = z.strictObject({ email: Email, password: GivenPassword })

export const ProviderLoginBody = z.strictObject({
  provider: z.string().max(40),
  providerUserId: z.string().max(255),
  accessToken: z.string().max(8192),
})

export const ProfileBody = z
  .strictObject({ name: Name.optional(), avatarUrl: AvatarUrl.nullable().optional() })
  .refine(({ name, avatarUrl }) => name !== undefined || avatarUrl !== undefined, 'must change something')

export const RefreshBody = z.strictObject({
  refreshToken: z.string().regex(/^[\w-]{43}$/, 'is not a refresh token'),
})

export const PasswordBody = z.strictObject({ currentPassword: GivenPassword, newPassword: NewPassword })

/** `system` is nobody's role: it marks what the server itself does. */
export const RolesBody = z.strictObject({
  roles: z
    .array(z.enum(ROLES).exclude(['system']))
    .min(1)
    .max(ROLES.length),
})

export const UserParams = z.strictObject({ id: z.uuid() })

/** Nothing, or an empty object. */
export const NoBody = z.strictObject({}).nullish()
