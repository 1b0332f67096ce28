import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { styleNonce } from '../ui/Provider';
import { letterDocument } from './letter';

export type LetterView = 'wide' | 'narrow' | 'text';

interface LetterProps {
  html: string | null;
  text: string | null;
  view: LetterView;
}

/** The letter as it was sent, at the width of a screen or a phone, or its text part. */
export function Letter({ html, text, view }: LetterProps) {
  const { t } = useTranslation('messages');
  const document = useMemo(() => (html === null ? '' : letterDocument(html, styleNonce())), [html]);
  if (view === 'text' || html === null) {
    return (
      <div className="desk">
        <pre className="letter-text" tabIndex={0} role="region" aria-label={t('letter.text_part')}>
          {text ?? t('letter.no_text')}
        </pre>
      </div>
    );
  }
  return (
    <div className="desk">
      <iframe
        className={`letter-frame ${view}`}
        title={t('letter.title')}
        // Without allow-same-origin: what a letter brings along cannot reach the console.
        sandbox="allow-popups allow-popups-to-escape-sandbox"
        srcDoc={document}
      />
    </div>
  );
}
