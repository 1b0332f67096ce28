import { Fragment } from 'react';
import { useTranslation } from 'react-i18next';
import { formatParam, type Params } from './format';
import { pieces, placeholder } from './phrase';
import { useFormats } from './useFormats';

interface PhraseProps {
  /** A key with its namespace, such as `why:sentence.sent`. */
  text: string;
  params?: Params;
  /** Used when the key is not known: a newer server may send codes that this console has no words for. */
  fallback?: string;
}

/** A text whose names of journeys, segments and messages are set in italics. */
export function Phrase({ text, params = {}, fallback }: PhraseProps) {
  const { t, i18n } = useTranslation();
  const formats = useFormats();
  const values: Record<string, string> = {};
  const tokens: Record<string, string> = {};
  for (const [name, value] of Object.entries(params)) {
    values[name] = formatParam(name, value, formats);
    tokens[name] = placeholder(name);
  }
  const count = typeof params['count'] === 'number' ? params['count'] : undefined;
  const key = fallback !== undefined && !i18n.exists(text, count === undefined ? {} : { count }) ? fallback : text;
  // `count` chooses the plural form, so it must be the number; its token is put in through the text's own {{n}}.
  const raw = t(key, { ...tokens, ...(count === undefined ? {} : { count, n: placeholder('count') }) });
  return pieces(raw, values).map((piece, index) =>
    // The order of a text's pieces never changes while it stands.
    piece.emphasis ? <em key={index}>{piece.text}</em> : <Fragment key={index}>{piece.text}</Fragment>,
  );
}
