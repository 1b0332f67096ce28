import './session.css';
import type { ReactNode } from 'react';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { languageNames, languages } from '../texts/format';
import { chooseLanguage } from '../texts/texts';
import { Mark } from '../ui/Mark';
import { Relief } from './Relief';

/** The door: terrain on one side, one question on the other. */
export function Gate({ title, children, foot }: { title: string; children: ReactNode; foot?: string }) {
  const { i18n } = useTranslation();
  useEffect(() => {
    document.title = `${title} · Terreno`;
  }, [title]);
  return (
    <div className="gate-page">
      <Relief />
      <main className="box">
        <span className="brand flex">
          <Mark />
          Terreno
        </span>
        <div className="mid">{children}</div>
        <p className="foot">
          {foot ??
            languages.map((language) => (
              <button key={language} type="button" lang={language} aria-pressed={i18n.language === language} onClick={() => void chooseLanguage(language)}>
                {languageNames[language]}
              </button>
            ))}
        </p>
      </main>
    </div>
  );
}
