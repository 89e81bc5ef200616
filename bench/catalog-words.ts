const listOf = (text: string) => text.split(',').map((one) => one.trim())

/** What titles are made of, language by language; each of a tutor's ten offerings has another level. */
export const LANGUAGES = [
  {
    subjects:
      listOf(`English, English, English, Mathematics, Guitar, Piano, Python, JavaScript, Photography, Chemistry, Biology,
      Physics, Drawing, Watercolour, Swimming, Yoga, Chess, Economics, Statistics, Accounting, Creative writing, Public speaking,
      Violin, Singing, Algebra, Geography, World history, Philosophy, First aid, Gardening, Sewing, Cooking, Robotics`),
    forms:
      listOf(`conversation, lessons, workshop, masterclass, in practice, step by step, intensive, basics, for adults,
      for children, for travellers, for musicians, for nurses, at weekends, online, exam preparation, in small groups, one to one,
      from zero, in the evening, for engineers`),
    levels: listOf(
      `for beginners, level A1, level A2, level B1, level B2, year 7, year 9, year 12, for professionals, refresher`,
    ),
  },
  {
    subjects: listOf(`Inglés, Matemáticas, Guitarra, Fotografía, Química, Dibujo, Ajedrez, Cocina, Canto`),
    forms: listOf(
      `conversación, clases, taller, en la práctica, para adultos, para niños, intensivo, en línea`,
    ),
    levels: listOf(`para principiantes, A1, A2, B1, B2, C1, primer curso, segundo curso, repaso, avanzado`),
  },
  {
    subjects: listOf(`Anglais, Mathématiques, Guitare, Piano, Photographie, Chimie, Dessin, Échecs, Cuisine`),
    forms: listOf(`conversation, leçons, atelier, pas à pas, pour adultes, pour enfants, intensif, en ligne`),
    levels: listOf(`pour débutants, A1, A2, B1, B2, C1, sixième, terminale, révision, perfectionnement`),
  },
  {
    subjects: listOf(
      `Английский язык, Математика, Гитара, Фортепиано, Фотография, Химия, Рисование, Шахматы`,
    ),
    forms: listOf(
      `разговорный клуб, уроки, мастерская, на практике, для взрослых, для детей, интенсив, онлайн`,
    ),
    levels: listOf(`для начинающих, A1, A2, B1, B2, C1, 7 класс, 9 класс, повторение, для профессионалов`),
  },
  {
    subjects: listOf(`اللغة الإنجليزية, الرياضيات, الجيتار, التصوير, الكيمياء, الرسم, الشطرنج, الطبخ`),
    forms: listOf(`محادثة, دروس, ورشة, خطوة بخطوة, للكبار, للأطفال, مكثف, عبر الإنترنت`),
    levels: listOf(`للمبتدئين, A1, A2, B1, B2, C1, الصف السابع, الصف التاسع, مراجعة, للمحترفين`),
  },
]

/** Surnames are put together from these 27: some twenty thousand, each with a few offerings. */
export const SYLLABLES = listOf(
  `ba, cho, di, eme, fo, ga, hu, ibe, jo, ka, lo, ma, ne, oku, pe, ro, sa, ta, ude, vi, wu, ya, ze, mbe, nwa, tchi, kov`,
)

/** Every description has the first sentence, and two of them all. */
export const SENTENCES = [
  'The lessons are held online, and homework is corrected before the next one.',
  'We begin with what you know already and go on at your own speed.',
  'Bring a notebook, questions and some patience; everything else is there.',
  'Grammar, vocabulary and pronunciation are practised with short dialogues.',
  'Every week ends with an exercise that is discussed in the group.',
  'You get recordings of all meetings and a certificate at the end.',
  'Scales, chords and rhythm are learned with songs that you choose.',
  'Small projects from daily life show what the theory is good for.',
  'Past examination papers are solved together, with an eye on the clock.',
  'No previous knowledge is needed, only the wish to try things out.',
]
