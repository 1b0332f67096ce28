/** Puts text on the clipboard. On a plain http page of another host browsers refuse it, so there is an older way too. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    area.setAttribute('readonly', '');
    area.className = 'vh';
    document.body.append(area);
    area.select();
    // Deprecated, and the only way without a secure page.
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}
