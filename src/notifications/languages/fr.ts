import { about, dated, ofCredentials, paid, type Texts } from './texts.ts'

const credential = {
  reminderDue: dated('title', 'expiresAt', (title, expiresAt) => ({
    title: `Votre certificat expire bientôt : ${title}`,
    lines: [`Il est valable jusqu’au ${expiresAt}.`],
  })),
  expired: dated('title', 'expiresAt', (title, expiresAt) => ({
    title: `Votre certificat a expiré : ${title}`,
    lines: [`Il était valable jusqu’au ${expiresAt}.`],
  })),
  renewed: dated('title', 'expiresAt', (title, expiresAt) => ({
    title: `Votre certificat est renouvelé : ${title}`,
    lines: [`Il est valable jusqu’au ${expiresAt}.`],
  })),
  suspended: about('title', (title) => ({
    title: `Votre certificat est suspendu : ${title}`,
    lines: ['Il n’est pas valable pour le moment.'],
  })),
  reinstated: about('title', (title) => ({
    title: `Votre certificat est de nouveau valable : ${title}`,
    lines: ['Il n’est plus suspendu.'],
  })),
  revoked: about('title', (title) => ({
    title: `Votre certificat est révoqué : ${title}`,
    lines: ['Il n’est plus valable.'],
  })),
}

export const fr: Texts = {
  direction: 'ltr',
  greeting: (name) => `Bonjour ${name},`,
  news: 'Vous avez un nouveau message',
  reason:
    'Vous recevez ce message en raison de votre compte. Vos préférences disent ce que l’on vous écrit, quand et comment.',
  at: (when) => `Envoyé le ${when}.`,
  links: { verify: 'Le voir et le vérifier', download: 'Le télécharger' },
  topics: {
    ...ofCredentials(credential),
    'certificate.expiring': credential.reminderDue,
    'enrollment.welcome': about('offeringTitle', (title) => ({
      title: `Bienvenue : ${title}`,
      lines: ['Votre inscription est faite. Tout est prêt pour vous.'],
    })),
    'enrollment.reminder': about('offeringTitle', (title) => ({
      title: `${title} vous attend`,
      lines: ['Cela fait un moment que vous n’y êtes pas passé. Reprenez là où vous en étiez.'],
    })),
    'enrollment.removed': about('offeringTitle', (title, { text, money }) => {
      const [reason, kept] = [text('reason'), money()]
      return {
        title: `Cours retiré : ${title}`,
        lines: [
          'Il n’est plus proposé et votre inscription a pris fin.',
          ...(reason ? [`Motif : ${reason}`] : []),
          ...(kept ? [`Vous aviez payé ${kept}. Aucun autre remboursement ne vous est dû.`] : []),
        ],
      }
    }),
    'course.reminder': dated('courseTitle', 'startsAt', (course, startsAt) => ({
      title: `Rappel : ${course}`,
      lines: [`${course} commence le ${startsAt}.`],
    })),
    'badge.earned': about('name', (name) => ({
      title: `Vous avez obtenu un badge : ${name}`,
      lines: ['Félicitations ! Il est à vous.'],
    })),
    'badge.revoked': about('name', (name) => ({
      title: `Un badge a été retiré : ${name}`,
      lines: [`Vous n’avez plus le badge « ${name} ».`],
    })),
    'certificate.issued': about('title', (title, { text }) => {
      const number = text('number')
      return {
        title: `Votre certificat : ${title}`,
        lines: [
          'Félicitations ! Votre certificat est délivré.',
          ...(number ? [`Son numéro est ${number}.`] : []),
        ],
      }
    }),
    'payment.settled': paid((money, title) => ({
      title: title ? `Paiement reçu : ${title}` : 'Paiement reçu',
      lines: [`Votre paiement de ${money} est arrivé. Merci !`],
    })),
    'payment.failed': paid((money, title) => ({
      title: title ? `Échec du paiement : ${title}` : 'Échec du paiement',
      lines: [`Votre paiement de ${money} a échoué. Rien n’a été débité ; vous pouvez réessayer.`],
    })),
    'payment.refundIssued': paid((money, title) => ({
      title: title ? `Remboursement : ${title}` : 'Remboursement',
      lines: [`${money} vous ont été remboursés. Votre banque peut mettre quelques jours à l’afficher.`],
    })),
    'refund.needsAttention': paid((money) => ({
      title: 'Votre remboursement attend vos coordonnées bancaires',
      lines: [
        `${money} doivent vous être remboursés, et votre carte ne les accepte pas.`,
        'Indiquez le compte bancaire sur lequel les verser.',
      ],
    })),
    'payment.refundStuck': paid((money, title) => ({
      title: title ? `Un remboursement est bloqué : ${title}` : 'Un remboursement est bloqué',
      lines: [
        `${money} auraient dû être remboursés et n’ont pas pu l’être.`,
        'Réessayez, ou dites comment cela a été réglé.',
      ],
    })),
  },
}
