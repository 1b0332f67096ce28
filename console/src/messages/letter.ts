// A letter in a frame that can run nothing. It inherits this page's content security policy: style attributes are
// allowed there, style elements need the page's nonce. Scripts have neither a nonce nor a sandbox that would run them.

/** The document for the frame: as it was sent, with the nonce on its styles and links that open beside the console. */
export function letterDocument(html: string, nonce: string): string {
  const letter = new DOMParser().parseFromString(html, 'text/html');
  for (const style of letter.querySelectorAll('style')) style.setAttribute('nonce', nonce);
  // A refresh would take the frame away from the letter, a base would send its links elsewhere.
  for (const element of letter.querySelectorAll('script, meta[http-equiv], base')) element.remove();
  const base = letter.createElement('base');
  base.target = '_blank';
  letter.head.prepend(base);
  return `<!doctype html>${letter.documentElement.outerHTML}`;
}
