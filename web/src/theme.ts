import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core'

/** The green of a courtyard in June. */
const yard: MantineColorsTuple = [
  '#eef5ef',
  '#dcebdf',
  '#bad8c2',
  '#95c3a3',
  '#72ae86',
  '#549a6d',
  '#3e8659',
  '#2e7349',
  '#235f3b',
  '#17482c',
]
/** Warm as paper and stone, where Mantine's own grey is cold. */
const gray: MantineColorsTuple = [
  '#fbfaf7',
  '#f4f2ec',
  '#eae7df',
  '#dedad0',
  '#c8c3b7',
  '#a39e92',
  '#76726a',
  '#56534c',
  '#393732',
  '#22211d',
]
/** Brick, dark enough to carry white letters. */
const red: MantineColorsTuple = [
  '#fdf0ee',
  '#f9dcd9',
  '#f2b8b2',
  '#eb9189',
  '#e36c62',
  '#d94f44',
  '#cb3f34',
  '#bf342a',
  '#b3261e',
  '#8f1c16',
]
const dark: MantineColorsTuple = [
  '#dde3de',
  '#b9c2bc',
  '#9aa59e',
  '#6d7972',
  '#3d4842',
  '#313a35',
  '#252d29',
  '#1d2421',
  '#161b18',
  '#101412',
]

export const theme = createTheme({
  colors: { yard, gray, red, dark },
  primaryColor: 'yard',
  primaryShade: { light: 8, dark: 7 },
  fontFamily: "'Golos Text Variable', system-ui, sans-serif",
  headings: {
    fontWeight: '650',
    sizes: {
      h1: { fontSize: 'clamp(1.75rem, 1.4rem + 1.5vw, 2.375rem)', lineHeight: '1.15' },
      h2: { fontSize: '1.375rem', lineHeight: '1.25' },
      h3: { fontSize: '1.125rem', lineHeight: '1.3' },
    },
  },
  radius: { xs: '6px', sm: '8px', md: '12px', lg: '18px', xl: '26px' },
  defaultRadius: 'md',
  respectReducedMotion: true,
  cursorType: 'pointer',
  // Not by `extend`: it is the same, and would have every page load these components.
  components: {
    Button: { defaultProps: { size: 'md' } },
    TextInput: { defaultProps: { size: 'md' } },
    PasswordInput: { defaultProps: { size: 'md' } },
    Textarea: { defaultProps: { size: 'md' } },
    NativeSelect: { defaultProps: { size: 'md' } },
    Select: { defaultProps: { size: 'md', allowDeselect: false } },
    // A dialog's header is none of the page's.
    Modal: { defaultProps: { centered: true, radius: 'lg', attributes: { header: { role: 'presentation' } } } },
    Paper: { defaultProps: { radius: 'lg' } },
    Skeleton: { defaultProps: { radius: 'md' } },
  },
})

/** Where Mantine's own choices miss WCAG AA contrast, and the two papers that everything lies on. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-text': '#1d2620',
    '--mantine-color-dimmed': '#5c645e',
    '--mantine-color-placeholder': '#6b716c',
    '--mantine-color-error': '#b3261e',
    '--mantine-color-anchor': '#235f3b',
    '--mantine-color-default-border': '#dedad0',
    '--dvor-page': '#f8f6f1',
    '--dvor-card': '#ffffff',
    '--dvor-line': '#e6e2d8',
    '--dvor-tint': '#e6f0e8',
    '--dvor-tint-text': '#1b5232',
    '--dvor-shadow': '0 1px 2px rgb(44 40 28 / 5%), 0 8px 24px -12px rgb(44 40 28 / 16%)',
    '--dvor-track': '#e7e9e0',
    '--dvor-bar': '#2e7349',
  },
  dark: {
    '--mantine-color-text': '#e4e9e5',
    '--mantine-color-body': '#1d2421',
    '--mantine-color-dimmed': '#a3aea7',
    '--mantine-color-placeholder': '#8f9a93',
    '--mantine-color-error': '#ff9a90',
    '--mantine-color-anchor': '#95c3a3',
    '--mantine-color-default-border': '#3d4842',
    '--mantine-color-yard-light': '#22362a',
    '--mantine-color-yard-light-hover': '#2a4334',
    '--mantine-color-yard-light-color': '#bad8c2',
    '--mantine-color-gray-light': '#2c3530',
    '--dvor-page': '#161b18',
    '--dvor-card': '#1d2421',
    '--dvor-line': '#2c3530',
    '--dvor-tint': '#22362a',
    '--dvor-tint-text': '#bad8c2',
    '--dvor-shadow': '0 1px 2px rgb(0 0 0 / 30%)',
    '--dvor-track': '#313a35',
    '--dvor-bar': '#549a6d',
  },
})
