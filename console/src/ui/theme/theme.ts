import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';

// Ten shades as Mantine wants them: tint first, the token itself sixth. Screens use the tokens; these serve Mantine's own parts.
const green: MantineColorsTuple = ['#E4EEE7', '#C8DDD0', '#A6C8B4', '#82B298', '#5E9B7D', '#3E8467', '#1F6B52', '#18573F', '#134733', '#0D3626'];
const clay: MantineColorsTuple = ['#F8EBE2', '#F0D5C4', '#E3B79F', '#D69A79', '#C77E55', '#B9643B', '#AB4B23', '#8E3C1A', '#732F13', '#5A240D'];

export const theme = createTheme({
  colors: { green, clay },
  primaryColor: 'green',
  primaryShade: 6,
  black: '#1F2A2E',
  fontFamily: 'var(--sans)',
  fontFamilyMonospace: 'var(--mono)',
  fontSizes: { xs: '12px', sm: '13px', md: '14px', lg: '16px', xl: '20px' },
  spacing: { xs: '4px', sm: '8px', md: '16px', lg: '24px', xl: '32px' },
  defaultRadius: 8,
  respectReducedMotion: true,
  focusRing: 'never',
  headings: {
    fontWeight: '600',
    sizes: { h1: { fontSize: '26px', lineHeight: '1.2' }, h2: { fontSize: '16px', lineHeight: '1.3' }, h3: { fontSize: '14px' } },
  },
});

/** Mantine's variables take the tokens' values, so that its own parts cannot look foreign in either scheme. */
export const cssVariablesResolver: CSSVariablesResolver = () => ({
  variables: {
    '--mantine-color-body': 'var(--paper)',
    '--mantine-color-text': 'var(--ink)',
    '--mantine-color-dimmed': 'var(--quiet)',
    '--mantine-color-error': 'var(--stopped)',
    '--mantine-color-default': 'var(--raised)',
    '--mantine-color-default-hover': 'var(--hover)',
    '--mantine-color-default-border': 'var(--line-2)',
    '--mantine-color-placeholder': 'var(--quiet)',
    '--mantine-color-anchor': 'var(--ink)',
    '--mantine-shadow-md': 'var(--float)',
  },
  light: {},
  dark: {},
});
