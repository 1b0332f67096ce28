import { type KeyboardEvent, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../texts/useFormats';
import type { PersonData } from './Person';

const tabs = ['overview', 'messages', 'journeys', 'permissions', 'identity'] as const;
export type Tab = (typeof tabs)[number];

export function tabOf(word: string | undefined): Tab {
  return tabs.find((tab) => tab === word) ?? 'overview';
}

interface PersonTabsProps {
  person: PersonData;
  tab: Tab;
  onChoose: (tab: Tab) => void;
}

/** Arrow keys walk the tabs, as everywhere. */
export function PersonTabs({ person, tab, onChoose }: PersonTabsProps) {
  const { t } = useTranslation('people');
  const formats = useFormats();
  const row = useRef<HTMLDivElement>(null);
  const counts: Record<Tab, number | undefined> = {
    overview: undefined,
    messages: person.messages.length,
    journeys: person.journeys.length,
    permissions: person.consents.length,
    identity: person.identifiers.length,
  };
  const walk = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    if (step === 0 || next === undefined) return;
    event.preventDefault();
    onChoose(next);
    row.current?.querySelector<HTMLButtonElement>(`[data-tab=${next}]`)?.focus();
  };
  // On a phone the row is wider than the screen; the tab that is open must be in it.
  useEffect(() => {
    row.current?.querySelector(`[data-tab=${tab}]`)?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [tab]);
  return (
    <div className="tabs" role="tablist" ref={row} onKeyDown={walk}>
      {tabs.map((each) => (
        <button key={each} type="button" role="tab" data-tab={each} aria-selected={each === tab} tabIndex={each === tab ? 0 : -1} onClick={() => onChoose(each)}>
          {t(`tab.${each}`)}
          {counts[each] !== undefined && <span className="n">{formats.number(counts[each])}</span>}
        </button>
      ))}
    </div>
  );
}
