import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from './Button';
import { Dialog } from './Panel';

interface FormDialogProps {
  title: string;
  /** What its button says: the deed, never "OK". */
  button: ReactNode;
  /** `stop` for what ends something. */
  kind?: 'primary' | 'stop';
  busy: boolean;
  disabled?: boolean;
  /** What went wrong, in words; it stands beside the button. */
  trouble: ReactNode;
  onSubmit: () => void;
  onClose: () => void;
  children: ReactNode;
}

/** A dialog that asks and then does: fields, what went wrong, the deed and the way back. */
export function FormDialog({ title, button, kind = 'primary', busy, disabled = false, trouble, onSubmit, onClose, children }: FormDialogProps) {
  const { t } = useTranslation();
  return (
    <Dialog title={title} closeLabel={t('close')} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit();
        }}
      >
        {children}
        {trouble}
        <div className="actions">
          <Button kind={kind} submit busy={busy} disabled={disabled}>
            {button}
          </Button>
          <Button kind="bare" onClick={onClose}>
            {t('cancel')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
