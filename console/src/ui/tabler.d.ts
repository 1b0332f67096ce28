// Tabler publishes types for its barrel only; each icon file exports one such component.
declare module '@tabler/icons-react/dist/esm/icons/*.mjs' {
  import type { FunctionComponent } from 'react';
  const Icon: FunctionComponent<{ size?: number; stroke?: number; className?: string; 'aria-hidden'?: boolean }>;
  export default Icon;
}
