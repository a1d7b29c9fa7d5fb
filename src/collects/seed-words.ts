import type { Locale } from '../platform/i18n.ts'
import type { occasions } from './schemas.ts'

export type Occasion = (typeof occasions)[number]

/** A title with the description that goes with it; names stand where any sex and the nominative fit. */
type Theme = { title: string; description: string }
type Words = {
  themes: Theme[]
  comments: string[]
  /** How many days it runs, and what it aims at when little has come in; without a sum it has no target. */
  days: [least: number, most: number]
  aim?: number
}

const days: Record<Occasion, [number, number]> = {
  birthday: [14, 35],
  wedding: [20, 45],
  // Until the holiday itself; see the seed.
  new_year: [20, 45],
  funeral: [9, 21],
  charity: [40, 120],
  yard: [60, 200],
  other: [30, 90],
}
const aims: Partial<Record<Occasion, number>> = { new_year: 40_000, charity: 150_000, yard: 120_000, other: 25_000 }

const words = (texts: Record<Occasion, Pick<Words, 'themes' | 'comments'>>): Record<Occasion, Words> =>
  Object.fromEntries(
    Object.entries(texts).map(([occasion, text]) => {
      const aim = aims[occasion as Occasion]
      return [occasion, { ...text, days: days[occasion as Occasion], ...(aim ? { aim } : {}) }]
    }),
  ) as Record<Occasion, Words>

/** What collects and gifts say, by occasion, so that title, description and comments fit each other. */
export const seedWords: Record<Locale, Record<Occasion, Words>> = {
  ru: words({
    birthday: {
      themes: [
        {
          title: 'День рождения: {name}',
          description: 'Собираем на общий подарок и торт. Вручим в выходные во дворе.',
        },
        {
          title: 'Юбилей соседей: {name}',
          description: 'Круглая дата! Скинемся на хороший подарок от всего подъезда.',
        },
        {
          title: '{name}: велосипед ко дню рождения',
          description: 'Самая давняя мечта — хороший велосипед. Подарим вместе!',
        },
      ],
      comments: [
        'С днём рождения!',
        'Здоровья и радости!',
        'С соседским приветом!',
        'Пусть мечты сбываются!',
        'От 45-й квартиры',
      ],
    },
    wedding: {
      themes: [
        {
          title: 'Свадьба в третьем подъезде: {name} и {other}',
          description: 'Наши соседи женятся! Собираем на подарок и украшение подъезда.',
        },
        {
          title: 'Молодожёнам от соседей: {name} и {other}',
          description: 'Пусть первая семейная покупка будет от всего дома.',
        },
      ],
      comments: ['Совет да любовь!', 'Счастья молодым!', 'Горько!', 'От 12-й квартиры с любовью', 'Живите дружно!'],
    },
    new_year: {
      themes: [
        { title: 'Ёлка во дворе {year}', description: 'Живая ёлка, горячий чай и Дед Мороз для самых маленьких.' },
        {
          title: 'Новогодний праздник для детей {year}',
          description: 'Сладкие подарки всем детям дома и хоровод во дворе.',
        },
        {
          title: 'Гирлянды на фасад к {year} году',
          description: 'Смета от электрика — у старшего по дому. Повесим до праздника.',
        },
      ],
      comments: [
        'Всех с наступающим!',
        'Детям на подарки',
        'Отличная традиция',
        'Спасибо, что организовали',
        'Ждём праздника!',
      ],
    },
    funeral: {
      themes: [
        {
          title: 'Помощь семье из 31-й квартиры',
          description: 'В семье горе. Поможем с расходами, кто сколько может.',
        },
        {
          title: 'Венок и помощь близким',
          description: 'Ушёл наш сосед. Собираем на венок и в помощь родным. Светлая память.',
        },
      ],
      comments: ['Светлая память', 'Соболезнуем', 'Держитесь', 'Примите наши соболезнования', 'Чем могу'],
    },
    charity: {
      themes: [
        {
          title: 'Операция и лечение: {name}, 6 лет',
          description: 'Каждый рубль приближает операцию. Счета клиники и отчёт о тратах выложим здесь.',
        },
        {
          title: 'Приют «Верный друг»: корм на зиму',
          description: 'Корм, подстилки и лекарства для сорока хвостов. Отвозим раз в месяц, чеки — здесь.',
        },
        {
          title: 'Собираем портфели к школе',
          description: 'Портфели и тетради детям из семей, которым сейчас трудно. Списки — у старшей по дому.',
        },
      ],
      comments: ['Пусть всё получится', 'Здоровья!', 'Спасибо, что помогаете', 'Чем могу', 'От всей нашей семьи'],
    },
    yard: {
      themes: [
        {
          title: 'Скамейки у второго подъезда',
          description: 'Четыре скамейки со спинками и две урны. Работы начнём, как соберём половину.',
        },
        {
          title: 'Новая детская площадка',
          description:
            'Качели, горка и мягкое покрытие. Смета и договор — у старшего по дому; начнём, как соберём половину.',
        },
        {
          title: 'Шлагбаум и камеры',
          description: 'Решили на общем собрании. Остаток пойдёт на обслуживание в первый год.',
        },
        {
          title: 'Цветник вместо пустыря',
          description: 'Земля, саженцы и бордюр. Сажаем вместе, остаток пойдёт на уход весной.',
        },
        {
          title: 'Велопарковка у дома',
          description: 'Навес и стойки на двадцать велосипедов. Решили на общем собрании.',
        },
      ],
      comments: ['Давно пора!', 'Спасибо, что взялись', 'От 45-й квартиры', 'Отличная затея', 'Приду помогать'],
    },
    other: {
      themes: [
        { title: 'Стол для настольного тенниса', description: 'Всепогодный стол во двор и две пары ракеток на всех.' },
        {
          title: 'Книги в общую библиотеку',
          description: 'Обновим полку на первом этаже. Если соберём больше — купим детских.',
        },
      ],
      comments: ['Отличная затея', 'С соседским приветом!', 'Спасибо, что организовали', 'От 7-й квартиры', 'Я за!'],
    },
  }),
  en: words({
    birthday: {
      themes: [
        {
          title: 'Birthday of {name}',
          description: 'A present and a cake from all of us, next weekend in the courtyard.',
        },
        { title: 'A bicycle for {name}', description: 'A birthday wish of many years. Let us give it together!' },
      ],
      comments: ['Happy birthday!', 'Many happy returns!', 'Greetings from next door!', 'From flat 45'],
    },
    wedding: {
      themes: [
        {
          title: 'Wedding in the third entrance: {name} and {other}',
          description: 'Our neighbours marry! For a present and decorations.',
        },
      ],
      comments: ['All the best to you both!', 'Congratulations!', 'From flat 12 with love', 'Be happy!'],
    },
    new_year: {
      themes: [
        {
          title: 'A tree in the courtyard {year}',
          description: 'A living tree, hot tea and presents for the small ones.',
        },
        {
          title: 'New Year party for children {year}',
          description: 'Sweets for every child of the house, and a round dance.',
        },
      ],
      comments: ['Happy New Year!', 'For the children', 'A fine tradition', 'Thank you for organising'],
    },
    funeral: {
      themes: [
        {
          title: 'Help for the family of flat 31',
          description: 'They mourn. Let us help with the costs, each as they can.',
        },
        {
          title: 'A wreath, and help for the family',
          description: 'A neighbour has passed away. For a wreath and for those who stay.',
        },
      ],
      comments: ['Our condolences', 'In loving memory', 'With sympathy', 'What I can'],
    },
    charity: {
      themes: [
        {
          title: 'Surgery and treatment for {name}, 6 years old',
          description: 'Every bit helps. The bills, and how it is spent, stand here.',
        },
        {
          title: 'Food for the animal shelter',
          description: 'Food, bedding and medicine for forty tails over the winter.',
        },
      ],
      comments: ['Get well!', 'Thank you for helping', 'What I can', 'From our whole family'],
    },
    yard: {
      themes: [
        {
          title: 'Benches at the second entrance',
          description: 'Four benches and two bins. Work begins at half the sum.',
        },
        {
          title: 'A new playground',
          description: 'Swings, a slide and soft ground, as agreed at the meeting of residents.',
        },
        {
          title: 'Bicycle stands',
          description: 'A roof and stands for twenty bicycles, as agreed at the meeting of residents.',
        },
      ],
      comments: ['About time!', 'Thank you for taking it on', 'From flat 45', 'Great idea', 'I will come and help'],
    },
    other: {
      themes: [
        { title: 'A table-tennis table', description: 'A table for all weathers, and bats for everybody.' },
        { title: 'Books for the common library', description: 'New books for the shelf on the ground floor.' },
      ],
      comments: ['Great idea', 'Greetings from next door!', 'Thank you for organising', 'From flat 7'],
    },
  }),
}
