import { useTranslation } from 'react-i18next';
import type { Schemas } from '../api/client';
import { type Icon, IconAlertTriangle, IconBan, IconCheck, IconClock, IconMail, IconMailOff, IconMailOpened, IconPackage, IconSend, IconX } from '../ui/icons';
import { State, type Tone } from '../ui/parts';

export type MessageState = Schemas['MessageState'];

export const stateLooks: Record<MessageState, { tone: Tone; icon: Icon }> = {
  decided: { tone: 'note', icon: IconMail },
  held: { tone: 'held', icon: IconClock },
  claimed: { tone: 'note', icon: IconSend },
  sent: { tone: 'fine', icon: IconCheck },
  caught: { tone: 'note', icon: IconPackage },
  delivered: { tone: 'fine', icon: IconCheck },
  bounced: { tone: 'stopped', icon: IconMailOff },
  complained: { tone: 'stopped', icon: IconBan },
  withheld: { tone: 'held', icon: IconMailOff },
  expired: { tone: 'quiet', icon: IconX },
  unknown: { tone: 'held', icon: IconAlertTriangle },
  opened: { tone: 'fine', icon: IconMailOpened },
  clicked: { tone: 'fine', icon: IconMailOpened },
};

export function MessageStateMark({ state }: { state: MessageState }) {
  const { t } = useTranslation('messages');
  return <State {...stateLooks[state]}>{t(`state.${state}`)}</State>;
}

const states = Object.keys(stateLooks);

/** A state that this console knows; a newer server may have more. */
export function knownState(state: string | undefined): MessageState | undefined {
  return states.find((known): known is MessageState => known === state);
}
