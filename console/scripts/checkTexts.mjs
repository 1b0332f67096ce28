// Every text in every language, with the plural forms that language has; every key that the code names exists, and every
// key that exists is named. Run by `npm run check`; prints what is wrong and fails.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = new URL('..', import.meta.url).pathname;
const languages = ['en', 'es', 'fr'];
const problems = [];
const say = (problem) => problems.push(problem);

const flat = (tree, path = '') =>
  Object.entries(tree).flatMap(([name, value]) => (typeof value === 'string' ? [[path + name, value]] : flat(value, `${path}${name}.`)));

const suffix = /_(zero|one|two|few|many|other)$/;
// A key ending like a plural form is one: `dns.state.other` is not, `mode.left_other` is.
const texts = new Map();
for (const language of languages) {
  const all = new Map();
  for (const file of readdirSync(join(root, 'texts', language))) {
    const namespace = file.replace(/\.json$/, '');
    for (const [key, text] of flat(JSON.parse(readFileSync(join(root, 'texts', language, file), 'utf8')))) all.set(`${namespace}:${key}`, text);
  }
  texts.set(language, all);
}

const bases = new Map();
for (const [language, all] of texts) {
  for (const [key, text] of all) {
    const plural = suffix.exec(key)?.[1];
    const base = key.replace(suffix, '');
    const entry = bases.get(base) ?? { plural: plural !== undefined, forms: new Map() };
    entry.forms.set(`${language} ${plural ?? ''}`, text);
    bases.set(base, entry);
    if (text.trim() === '') say(`${language} ${key}: is empty`);
    if (text.includes('!')) say(`${language} ${key}: has an exclamation mark`);
    if ((text.match(/<em>/g) ?? []).length !== (text.match(/<\/em>/g) ?? []).length) say(`${language} ${key}: an <em> is not closed`);
  }
}

const parameters = (text) => [...new Set(text.match(/\{\{\s*\w+\s*\}\}/g) ?? [])].toSorted().join(' ');
for (const [base, { plural, forms }] of bases) {
  for (const language of languages) {
    // Exactly the forms the language has: with one missing, i18next shows the bare key for a million.
    const wanted = plural ? new Intl.PluralRules(language).resolvedOptions().pluralCategories : [''];
    for (const form of wanted) if (!forms.has(`${language} ${form}`)) say(`${language} ${base}${form === '' ? '' : `_${form}`}: is missing`);
  }
  const kinds = new Set([...forms.values()].map(parameters));
  if (kinds.size > 1) say(`${base}: the languages differ in their parameters: ${[...kinds].map((kind) => kind || 'none').join(' | ')}`);
}

// The first argument of each call of t, up to its comma.
function firstArguments(code) {
  const found = [];
  for (const { index } of code.matchAll(/\bt\(/g)) {
    let depth = 1;
    let at = index + 2;
    for (; at < code.length && depth > 0; at++) {
      if ('([{'.includes(code[at])) depth++;
      if (')]}'.includes(code[at])) depth--;
      if (code[at] === ',' && depth === 1) break;
    }
    found.push(code.slice(index + 2, at));
  }
  return found;
}

// Keys in the code: literals whole, templates as beginnings.
const named = new Set();
const beginnings = new Set();
const whole = (key, namespace) => (key.includes(':') ? key : `${namespace}:${key}`);
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file) && !file.includes('.test.'));
for (const file of sources) {
  const code = readFileSync(join(root, 'src', file), 'utf8');
  const usual = /useTranslation\('(\w+)'\)/.exec(code)?.[1] ?? 'common';
  // A file may have components with different subjects; a key is looked for in each that the file names.
  const subjects = [...new Set([usual, ...[...code.matchAll(/useTranslation\('(\w+)'\)/g)].map((match) => match[1]), 'common'])];
  for (const first of firstArguments(code)) {
    for (const [, key] of first.matchAll(/'([\w.:]+)'/g)) {
      if (!/[a-z]/.test(key)) continue;
      const found = subjects.map((subject) => whole(key, subject)).find((candidate) => bases.has(candidate));
      // Words compared with, as in `state === 'confirmed'`, are not keys.
      if (found !== undefined) named.add(found);
      else if (new RegExp(`[=!]==\\s*'${key}'`).test(first) === false) say(`src/${file}: the text ${key} does not exist`);
    }
    for (const [, key] of first.matchAll(/`([\w.:]+)\$\{/g)) for (const subject of subjects) beginnings.add(whole(key, subject));
  }
  for (const [, key] of code.matchAll(/(?:text|fallback|key|text:)[=:]\s*\{?\s*['"`](\w+:[\w.]*)/g)) {
    if (bases.has(key)) named.add(key);
    else beginnings.add(key);
  }
  for (const [, key] of code.matchAll(/text: '([\w.]+)'/g)) named.add(whole(key, 'common'));
}
for (const key of named) if (!bases.has(key)) say(`the text ${key} does not exist`);
for (const base of bases.keys()) {
  if (!named.has(base) && ![...beginnings].some((beginning) => base.startsWith(beginning))) say(`${base}: nothing shows this text`);
}

if (problems.length > 0) {
  console.error(problems.map((problem) => `texts: ${problem}`).join('\n'));
  process.exit(1);
}
console.log(`texts: ${bases.size} texts in ${languages.length} languages`);
