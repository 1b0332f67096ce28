import { useMantineColorScheme } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';

export type Scheme = 'auto' | 'light' | 'dark';

/** The colour scheme chosen on this device. */
export function useScheme(): { scheme: Scheme; choose: (scheme: Scheme) => void } {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return { scheme: colorScheme, choose: setColorScheme };
}

/** Below 900 px there is no room for a panel beside the page: it comes over it. */
export function useNarrow(): boolean {
  return useMediaQuery('(max-width: 899px)', false, { getInitialValueInEffect: false });
}
