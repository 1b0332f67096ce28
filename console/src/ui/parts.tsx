// Small parts of every screen. No cards: a heading, a hairline, the thing itself.
import { Fragment, type ReactNode, useEffect, useState } from 'react';
import { IconCheck, IconCopy } from './icons';
import { copyText } from './copyText';
import { IconButton } from './Button';
import type { Icon } from './icons';

export type Tone = 'held' | 'stopped' | 'fine' | 'note' | 'quiet';

/** A state is always colour, icon and word. */
export function State({ tone, icon: Drawn, children }: { tone: Tone; icon: Icon; children: ReactNode }) {
  return (
    <span className={`state ${tone}`}>
      <Drawn small />
      {children}
    </span>
  );
}

export function Chip({ icon: Drawn, tone, children }: { icon?: Icon; tone?: Tone | 'clay'; children: ReactNode }) {
  return (
    <span className={`chip ${tone ?? ''}`}>
      {Drawn !== undefined && <Drawn small />}
      {children}
    </span>
  );
}

export function Section({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) {
  return (
    <section className="sec">
      <header>
        <h2>{title}</h2>
        {aside !== undefined && <span className="aside">{aside}</span>}
      </header>
      {children}
    </section>
  );
}

/** What a screen says when there is nothing yet: what the thing is, and how it begins. */
export function Empty({ title, children, action }: { title: string; children: ReactNode; action?: ReactNode }) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      <p>{children}</p>
      {action}
    </div>
  );
}

/** Lines that stand for rows on their way. Nothing for 150 ms, so that a quick answer does not flicker. */
export function Waiting({ label, rows = 8 }: { label: string; rows?: number }) {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), 150);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div role="status" aria-label={label} className="waiting">
      {shown &&
        Array.from({ length: rows }, (_, row) => (
          <div key={row} className="waiting-row">
            <span className={`skel w${row % 3}`} />
            <span className={`skel w${(row + 1) % 3}`} />
          </div>
        ))}
    </div>
  );
}

/** Something to copy, such as a key: said once more by its button when it is done. */
export function CopyLine({ text, label, copiedLabel, lead }: { text: string; label: string; copiedLabel: string; lead?: string }) {
  const [copied, setCopied] = useState(false);
  const copy = () => {
    void copyText(text).then((done) => setCopied(done));
  };
  return (
    <div className="rec">
      {lead !== undefined && <span className="rec-lead">{lead}</span>}
      <span className="clip" title={text}>
        {text}
      </span>
      <span role="status" className="vh">
        {copied ? copiedLabel : ''}
      </span>
      <IconButton label={copied ? copiedLabel : label} small onClick={copy}>
        {copied ? <IconCheck small /> : <IconCopy small />}
      </IconButton>
    </div>
  );
}

/** A value that may be an address: where it must break, it breaks after its @ rather than in the middle of a word. */
export function Breakable({ text }: { text: string }) {
  const [first = '', ...rest] = text.split(/(?<=@)/);
  return (
    <>
      {first}
      {rest.map((part) => (
        <Fragment key={part}>
          <wbr />
          {part}
        </Fragment>
      ))}
    </>
  );
}

export function Avatar({ name }: { name: string }) {
  return (
    <span className="avatar" title={name} aria-hidden="true">
      {initials(name)}
    </span>
  );
}

/** The first letters of the first and last word; of an address or a number, its first letter. */
export function initials(name: string): string {
  const words = name.split(/[\s@._-]+/).filter((word) => /^\p{L}/u.test(word));
  const first = words[0]?.[0] ?? '·';
  const last = name.includes('@') || words.length < 2 ? '' : (words.at(-1)?.[0] ?? '');
  return (first + last).toLocaleUpperCase();
}
