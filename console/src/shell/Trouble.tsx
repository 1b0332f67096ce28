import { useTranslation } from 'react-i18next';
import { fieldOf, problemOf } from '../api/problem';
import { Phrase } from '../texts/Phrase';
import { useFormats } from '../texts/useFormats';
import { Button } from '../ui/Button';
import { IconAlertTriangle } from '../ui/icons';

/** A problem in words: what happened and what to do. A code without words is shown as it is. */
export function ProblemText({ error }: { error: unknown }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const problem = problemOf(error);
  const { code, params } = problem;
  const field = fieldOf(problem);
  const seconds = Number(params?.['wait_seconds'] ?? 60);
  const values = {
    ...params,
    code,
    // Named as on the form; of the sender's fields the settings have the words.
    field: t([`problems:field.${field}`, `settings:field.${field}`], { defaultValue: field }),
    wait: formats.duration(seconds),
  };
  return <Phrase text={`problems:${code}`} params={values} fallback="problems:unknown" />;
}

/** Something did not come. What is shown beside it stays true. */
export function Trouble({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation();
  return (
    <div className="banner held trouble-banner" role="alert">
      <IconAlertTriangle />
      <span>
        <ProblemText error={error} />
      </span>
      {retry !== undefined && (
        <Button small onClick={retry}>
          {t('again')}
        </Button>
      )}
    </div>
  );
}

/** The problem of a form, beside its button: an error is never only a toast. */
export function FormTrouble({ error }: { error: unknown }) {
  if (error === null || error === undefined) return null;
  return (
    <p className="error-line" role="alert">
      <IconAlertTriangle small />
      <span>
        <ProblemText error={error} />
      </span>
    </p>
  );
}
