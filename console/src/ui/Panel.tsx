import { Drawer, Modal } from '@mantine/core';
import type { ReactNode } from 'react';
import { IconButton } from './Button';
import { IconX } from './icons';
import { useNarrow } from './useScheme';

interface PanelProps {
  /** Names the panel for readers of the screen. */
  name: string;
  title: ReactNode;
  closeLabel: string;
  /** Absent for a panel that belongs to its page and stays. */
  onClose?: () => void;
  children: ReactNode;
  footer?: ReactNode;
}

/** Opens beside the page, never over it; below 900 px, where there is no beside, a drawer. */
export function Panel(props: PanelProps) {
  const narrow = useNarrow();
  const { name, title, closeLabel, onClose, children, footer } = props;
  const inside = (
    <>
      <header>
        {title}
        {onClose !== undefined && (
          <IconButton label={closeLabel} onClick={onClose}>
            <IconX />
          </IconButton>
        )}
      </header>
      <div className="body" role="region" aria-label={name} tabIndex={0}>
        {children}
      </div>
      {footer !== undefined && <footer>{footer}</footer>}
    </>
  );
  if (narrow && onClose !== undefined) {
    return (
      <Drawer.Root opened onClose={onClose} position="right" size="100%" classNames={{ content: 'side drawer', inner: 'drawer-inner' }}>
        <Drawer.Overlay className="scrim" />
        <Drawer.Content aria-label={name}>{inside}</Drawer.Content>
      </Drawer.Root>
    );
  }
  return (
    <aside className="side" aria-label={name}>
      {inside}
    </aside>
  );
}

interface DialogProps {
  title: string;
  closeLabel: string;
  onClose: () => void;
  children: ReactNode;
}

/** Asks for something before it goes on: a form, or the irreversible with its size. */
export function Dialog({ title, closeLabel, onClose, children }: DialogProps) {
  return (
    <Modal.Root opened onClose={onClose} centered size={480} classNames={{ content: 'dialog' }}>
      <Modal.Overlay className="scrim" />
      <Modal.Content>
        <div className="dialog-head">
          <Modal.Title className="dialog-title">{title}</Modal.Title>
          <IconButton label={closeLabel} onClick={onClose}>
            <IconX />
          </IconButton>
        </div>
        <Modal.Body className="dialog-body">{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}
