/** Words of mailings, their texts and their audiences. */
export const mailingWords = {
  ru: {
    unknown_placeholder: 'Символ {{position}}: подстановки «{{name}}» нет. Есть: {{known}}.',
    unclosed_placeholder: 'Символ {{position}}: фигурная скобка не закрыта. Подстановки: {{known}}.',
  },
  en: {
    unknown_placeholder: 'Character {{position}}: there is no placeholder “{{name}}”. There are: {{known}}.',
    unclosed_placeholder: 'Character {{position}}: the brace is not closed. Placeholders: {{known}}.',
  },
}
