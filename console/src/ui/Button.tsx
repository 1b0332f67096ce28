import { UnstyledButton } from '@mantine/core';
import type { ReactNode, Ref } from 'react';

interface ButtonProps {
  children: ReactNode;
  onClick?: () => void;
  /** One primary button on a screen; `stop` is for what cannot be taken back. */
  kind?: 'plain' | 'primary' | 'bare' | 'stop';
  small?: boolean;
  submit?: boolean;
  disabled?: boolean;
  /** Something is on its way: the button shows it and takes no second click. */
  busy?: boolean;
  pressed?: boolean;
  /** What it does and to what, where several buttons have the same word; begins with that word. */
  label?: string;
  ref?: Ref<HTMLButtonElement>;
}

export function Button({ children, onClick, kind = 'plain', small = false, submit = false, disabled = false, busy = false, pressed, label, ref }: ButtonProps) {
  return (
    <UnstyledButton
      ref={ref}
      type={submit ? 'submit' : 'button'}
      className={`btn ${kind} ${small ? 'sm' : ''}`}
      onClick={busy ? undefined : onClick}
      disabled={disabled}
      aria-label={label}
      aria-busy={busy || undefined}
      aria-pressed={pressed}
    >
      {children}
    </UnstyledButton>
  );
}

interface IconButtonProps {
  /** What it does, for readers of the screen and as a hint. */
  label: string;
  children: ReactNode;
  onClick?: () => void;
  small?: boolean;
  framed?: boolean;
}

export function IconButton({ label, children, onClick, small = false, framed = false, ...rest }: IconButtonProps) {
  // `rest` carries what a menu adds to its target.
  return (
    <UnstyledButton {...rest} type="button" className={`btn icon ${framed ? '' : 'bare'} ${small ? 'sm' : ''}`} onClick={onClick} aria-label={label} title={label}>
      {children}
    </UnstyledButton>
  );
}

/** The survey point: opens the reasons of a decision. The same mark wherever a decision is shown. */
export function WhyMark({ label, word, expanded, onClick }: { label: string; word?: string; expanded?: boolean; onClick: () => void }) {
  return (
    <UnstyledButton type="button" className="why" aria-label={word === undefined ? label : undefined} title={label} aria-expanded={expanded} onClick={onClick}>
      <WhySign />
      {word}
    </UnstyledButton>
  );
}

export function WhySign() {
  return (
    <svg viewBox="0 0 16 16" className="why-sign" aria-hidden="true">
      <path d="M8 2.4 14.3 13.4H1.7Z" />
      <circle cx="8" cy="9.8" r="1.5" />
    </svg>
  );
}
