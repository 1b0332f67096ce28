import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '../api/client';
import { problemOf } from '../api/problem';
import { senderQuery } from '../api/queries';
import { FormTrouble, ProblemText } from '../shell/Trouble';
import { useScopes } from '../shell/useScopes';
import { Button } from '../ui/Button';
import { TextArea, TextField } from '../ui/fields';
import { Section } from '../ui/parts';
import type { SenderData } from './Sender';

const fields = ['from_name', 'from_address', 'reply_to', 'brand', 'legal_entity', 'postal_address', 'envelope_domain', 'dkim_selector', 'public_base_url', 'footer'] as const;
type Field = (typeof fields)[number];
type Draft = Record<Field, string>;

// Fields with a rule that is not plain from their name say it below.
const hinted: readonly Field[] = ['reply_to', 'postal_address', 'envelope_domain', 'public_base_url'];

/** Who writes, as people see it. Sends only what was changed, on top of the version that was read. */
export function SenderForm({ sender }: { sender: SenderData }) {
  const { t } = useTranslation('settings');
  const cache = useQueryClient();
  const editable = useScopes()('sender:write');
  const [draft, setDraft] = useState<Draft>(() => Object.fromEntries(fields.map((field) => [field, sender[field]])) as Draft);
  const changed = fields.filter((field) => draft[field] !== sender[field]);
  const save = useMutation({
    mutationFn: () => take(api.PUT('/api/v1/sender', { body: { version: sender.version, ...Object.fromEntries(changed.map((field) => [field, draft[field].trim()])) } })),
    onSuccess: (saved) => cache.setQueryData(senderQuery.queryKey, saved),
  });
  const wrong = save.isError ? problemOf(save.error).pointer?.slice(1) : undefined;
  const named = fields.some((field) => field === wrong);
  return (
    <Section title={t('sender.who')} aside={t('sender.who_aside')}>
      <form
        className="sender-form"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        {fields.map((field) => {
          const props = {
            label: t(`field.${field}`),
            value: draft[field],
            disabled: !editable,
            onChange: (value: string) => setDraft((before) => ({ ...before, [field]: value })),
            ...(hinted.includes(field) ? { hint: t(`field_hint.${field}`) } : {}),
            ...(wrong === field ? { error: <ProblemText error={save.error} /> } : {}),
          };
          return field === 'footer' ? <TextArea key={field} {...props} rows={2} /> : <TextField key={field} {...props} />;
        })}
        {!named && <FormTrouble error={save.error} />}
        {editable && (
          <div className="actions">
            <Button kind="primary" submit busy={save.isPending} disabled={changed.length === 0}>
              {t('sender.save')}
            </Button>
            {save.isSuccess && changed.length === 0 && (
              <span role="status" className="quiet sm">
                {t('sender.saved')}
              </span>
            )}
          </div>
        )}
      </form>
    </Section>
  );
}
