import { about, dated, ofCredentials, paid, type Texts } from './texts.ts'

const credential = {
  reminderDue: dated('title', 'expiresAt', (title, expiresAt) => ({
    title: `تنتهي صلاحية شهادتك قريبًا: ${title}`,
    lines: [`هي صالحة حتى ${expiresAt}.`],
  })),
  expired: dated('title', 'expiresAt', (title, expiresAt) => ({
    title: `انتهت صلاحية شهادتك: ${title}`,
    lines: [`كانت صالحة حتى ${expiresAt}.`],
  })),
  renewed: dated('title', 'expiresAt', (title, expiresAt) => ({
    title: `جُدّدت شهادتك: ${title}`,
    lines: [`هي صالحة حتى ${expiresAt}.`],
  })),
  suspended: about('title', (title) => ({
    title: `عُلّقت شهادتك: ${title}`,
    lines: ['هي غير صالحة في الوقت الحالي.'],
  })),
  reinstated: about('title', (title) => ({
    title: `شهادتك صالحة من جديد: ${title}`,
    lines: ['رُفع عنها التعليق.'],
  })),
  revoked: about('title', (title) => ({
    title: `أُلغيت شهادتك: ${title}`,
    lines: ['لم تعد صالحة.'],
  })),
}

export const ar: Texts = {
  direction: 'rtl',
  greeting: (name) => `مرحبًا ${name}،`,
  news: 'لديك رسالة جديدة',
  reason: 'تصلك هذه الرسالة لأن لديك حسابًا. تحدد تفضيلاتك ما يصلك ومتى وكيف.',
  at: (when) => `أُرسلت في ${when}.`,
  links: { verify: 'اطّلع عليها وتحقق منها', download: 'نزّلها' },
  topics: {
    ...ofCredentials(credential),
    'certificate.expiring': credential.reminderDue,
    'enrollment.welcome': about('offeringTitle', (title) => ({
      title: `أهلًا بك في ${title}`,
      lines: ['تم تسجيلك، وكل شيء جاهز لك.'],
    })),
    'enrollment.reminder': about('offeringTitle', (title) => ({
      title: `${title} في انتظارك`,
      lines: ['مضى وقت منذ زيارتك الأخيرة. تابع من حيث توقفت.'],
    })),
    'enrollment.removed': about('offeringTitle', (title, { text, money }) => {
      const [reason, kept] = [text('reason'), money()]
      return {
        title: `أُزيلت الدورة: ${title}`,
        lines: [
          'لم تعد هذه الدورة متاحة، وانتهى تسجيلك فيها.',
          ...(reason ? [`السبب: ${reason}`] : []),
          ...(kept ? [`كنت قد دفعت ${kept}. لا يُستحق لك أي مبلغ آخر منه.`] : []),
        ],
      }
    }),
    'course.reminder': dated('courseTitle', 'startsAt', (course, startsAt) => ({
      title: `تذكير: ${course}`,
      lines: [`تبدأ ${course} في ${startsAt}.`],
    })),
    'badge.earned': about('name', (name) => ({
      title: `حصلت على شارة: ${name}`,
      lines: ['تهانينا! إنها لك.'],
    })),
    'badge.revoked': about('name', (name) => ({
      title: `سُحبت شارة: ${name}`,
      lines: [`لم تعد لديك الشارة «${name}».`],
    })),
    'certificate.issued': about('title', (title, { text }) => {
      const number = text('number')
      return {
        title: `شهادتك: ${title}`,
        lines: ['تهانينا! صدرت شهادتك.', ...(number ? [`رقمها ${number}.`] : [])],
      }
    }),
    'payment.settled': paid((money, title) => ({
      title: title ? `وصلت دفعتك: ${title}` : 'وصلت دفعتك',
      lines: [`وصلت دفعتك وقدرها ${money}. شكرًا لك!`],
    })),
    'payment.failed': paid((money, title) => ({
      title: title ? `تعذّر الدفع: ${title}` : 'تعذّر الدفع',
      lines: [`تعذّرت دفعتك وقدرها ${money}. لم يُخصم منك شيء، ويمكنك المحاولة من جديد.`],
    })),
    'payment.refundIssued': paid((money, title) => ({
      title: title ? `استرداد: ${title}` : 'استرداد',
      lines: [`أُعيد إليك مبلغ ${money}. قد يستغرق ظهوره في حسابك بضعة أيام.`],
    })),
    'refund.needsAttention': paid((money) => ({
      title: 'استردادك ينتظر بياناتك المصرفية',
      lines: [`سيُعاد إليك مبلغ ${money}، ولا تقبله بطاقتك.`, 'حدّد الحساب المصرفي الذي يُحوَّل إليه.'],
    })),
    'payment.refundStuck': paid((money, title) => ({
      title: title ? `تعذّر استرداد: ${title}` : 'تعذّر استرداد',
      lines: [`كان يجب أن يُعاد مبلغ ${money} وتعذّر ذلك.`, 'حاول من جديد، أو بيّن كيف سُوّي.'],
    })),
  },
}
