import { type ErrorComponentProps, Link, useRouter } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { Empty } from '../ui/parts';
import { Trouble } from './Trouble';

export function NotFound() {
  const { t } = useTranslation();
  return (
    <main className="whole">
      <Empty
        title={t('nowhere.title')}
        action={
          <Link to="/people" className="btn primary">
            {t('nowhere.back')}
          </Link>
        }
      >
        {t('nowhere.text')}
      </Empty>
    </main>
  );
}

export function ScreenError({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  return (
    <main className="whole">
      <Trouble
        error={error}
        retry={() => {
          reset();
          void router.invalidate();
        }}
      />
    </main>
  );
}
