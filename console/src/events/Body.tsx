import { useTranslation } from 'react-i18next';
import { jsonParts } from './json';

/** What was sent, with the place of a problem marked. */
export function Body({ body, pointer }: { body: string; pointer?: string }) {
  const { t } = useTranslation('events');
  return (
    <pre className="code" tabIndex={0} role="region" aria-label={t('body')}>
      {jsonParts(body, pointer).map((part, index) =>
        part.bad ? (
          <mark key={index} className="bad">
            {part.text}
          </mark>
        ) : (
          <span key={index} className={part.kind === 'name' ? 'k' : undefined}>
            {part.text}
          </span>
        ),
      )}
    </pre>
  );
}
