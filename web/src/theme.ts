import {
  Button,
  type CSSVariablesResolver,
  createTheme,
  type MantineColorsTuple,
  Modal,
  Paper,
  PasswordInput,
  Select,
  Skeleton,
  Textarea,
  TextInput,
} from '@mantine/core'

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
  colors: { yard, gray, dark },
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
  components: {
    Button: Button.extend({ defaultProps: { size: 'md' } }),
    TextInput: TextInput.extend({ defaultProps: { size: 'md' } }),
    PasswordInput: PasswordInput.extend({ defaultProps: { size: 'md' } }),
    Textarea: Textarea.extend({ defaultProps: { size: 'md' } }),
    Select: Select.extend({ defaultProps: { size: 'md', allowDeselect: false } }),
    Modal: Modal.extend({ defaultProps: { centered: true, radius: 'lg' } }),
    Paper: Paper.extend({ defaultProps: { radius: 'lg' } }),
    Skeleton: Skeleton.extend({ defaultProps: { radius: 'md' } }),
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
