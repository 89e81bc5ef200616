import { about, dated, ofCredentials, paid, type Texts } from './texts.ts'

const credential = {
  reminderDue: dated('title', 'expiresAt', (title, expiresAt) => ({
    title: `Your certificate expires soon: ${title}`,
    lines: [`It is valid until ${expiresAt}.`],
  })),
  expired: dated('title', 'expiresAt', (title, expiresAt) => ({
    title: `Your certificate has expired: ${title}`,
    lines: [`It was valid until ${expiresAt}.`],
  })),
  renewed: dated('title', 'expiresAt', (title, expiresAt) => ({
    title: `Your certificate is renewed: ${title}`,
    lines: [`It is valid until ${expiresAt}.`],
  })),
  suspended: about('title', (title) => ({
    title: `Your certificate is suspended: ${title}`,
    lines: ['It is not valid for the time being.'],
  })),
  reinstated: about('title', (title) => ({
    title: `Your certificate is valid again: ${title}`,
    lines: ['It is not suspended any more.'],
  })),
  revoked: about('title', (title) => ({
    title: `Your certificate was revoked: ${title}`,
    lines: ['It is not valid any more.'],
  })),
}

export const en: Texts = {
  direction: 'ltr',
  greeting: (name) => `Hello ${name},`,
  news: 'You have a new message',
  reason: 'You get this because of your account. Your preferences say what you are told, when and how.',
  at: (when) => `Sent on ${when}.`,
  links: { verify: 'See and verify it', download: 'Download it' },
  topics: {
    ...ofCredentials(credential),
    'certificate.expiring': credential.reminderDue,
    'enrollment.welcome': about('offeringTitle', (title) => ({
      title: `Welcome to ${title}`,
      lines: ['You are enrolled. Everything is ready for you.'],
    })),
    'enrollment.reminder': about('offeringTitle', (title) => ({
      title: `${title} is waiting for you`,
      lines: ['You have not been there for a while. Go on where you left off.'],
    })),
    'enrollment.removed': about('offeringTitle', (title, { text, money }) => {
      const [reason, kept] = [text('reason'), money()]
      return {
        title: `${title} has been removed`,
        lines: [
          'It is not offered any more, and your enrollment has ended.',
          ...(reason ? [`The reason: ${reason}`] : []),
          ...(kept ? [`You had paid ${kept}. Nothing more of it is due to you.`] : []),
        ],
      }
    }),
    'course.reminder': dated('courseTitle', 'startsAt', (course, startsAt) => ({
      title: `Reminder: ${course}`,
      lines: [`${course} begins on ${startsAt}.`],
    })),
    'badge.earned': about('name', (name) => ({
      title: `You have earned a badge: ${name}`,
      lines: ['Congratulations! It is yours.'],
    })),
    'badge.revoked': about('name', (name) => ({
      title: `A badge was taken back: ${name}`,
      lines: [`You no longer have the badge “${name}”.`],
    })),
    'certificate.issued': about('title', (title, { text }) => {
      const number = text('number')
      return {
        title: `Your certificate: ${title}`,
        lines: [
          'Congratulations! Your certificate has been issued.',
          ...(number ? [`Its number is ${number}.`] : []),
        ],
      }
    }),
    'payment.settled': paid((money, title) => ({
      title: title ? `Payment received: ${title}` : 'Payment received',
      lines: [`Your payment of ${money} has arrived. Thank you!`],
    })),
    'payment.failed': paid((money, title) => ({
      title: title ? `Payment failed: ${title}` : 'Payment failed',
      lines: [`Your payment of ${money} has failed. You have not been charged, and may try again.`],
    })),
    'payment.refundIssued': paid((money, title) => ({
      title: title ? `Refund: ${title}` : 'Refund',
      lines: [`${money} has been given back to you. Your bank may take some days to show it.`],
    })),
    'refund.needsAttention': paid((money) => ({
      title: 'Your refund needs bank details',
      lines: [
        `${money} is to be given back to you, and your card does not take it.`,
        'Say to which bank account it should go.',
      ],
    })),
    'payment.refundStuck': paid((money, title) => ({
      title: title ? `A refund is stuck: ${title}` : 'A refund is stuck',
      lines: [`${money} should have gone back and could not.`, 'Try again, or say how it was settled.'],
    })),
  },
}
