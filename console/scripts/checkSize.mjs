// What a browser must fetch before the first screen stands, as gzip: the page, its scripts and styles with all that they
// import at once, and the texts of one language. Fails above the budget (DESIGN, section 6). Needs a built `dist`.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const firstLoadMax = 250 * 1024;
const chunkMax = 150 * 1024;
const dist = process.argv[2] ?? new URL('../dist', import.meta.url).pathname;
const size = (file) => gzipSync(readFileSync(join(dist, file)), { level: 9 }).length;

const seen = new Set();
const visit = (file) => {
  if (seen.has(file)) return;
  seen.add(file);
  if (!file.endsWith('.js')) return;
  const code = readFileSync(join(dist, file), 'utf8');
  for (const [, name] of code.matchAll(/(?:from|import)\s*["']\.\/([^"']+\.js)["']/g)) visit(`assets/${name}`);
};
const page = readFileSync(join(dist, 'index.html'), 'utf8');
for (const [, file] of page.matchAll(/(?:src|href)="\/app\/([^"]+\.(?:js|css))"/g)) visit(file);

const assets = readdirSync(join(dist, 'assets'));
// The people screen is the first one; its chunk and its imports come along, and the texts of one language.
const people = assets.find((file) => /^People-.*\.js$/.test(file));
if (people === undefined) throw new Error('no chunk of the people screen in dist/assets');
visit(`assets/${people}`);
for (const file of assets) if (/^people-.*\.css$|^Shell.*\.css$/i.test(file)) seen.add(`assets/${file}`);
const namespaces = ['common', 'session', 'events', 'people', 'messages', 'settings', 'why', 'problems'];
for (const namespace of namespaces) {
  const sizes = assets.filter((file) => new RegExp(`^${namespace}-.*\\.js$`).test(file)).toSorted((a, b) => size(`assets/${b}`) - size(`assets/${a}`));
  if (sizes[0] !== undefined) seen.add(`assets/${sizes[0]}`);
}

const total = size('index.html') + [...seen].reduce((sum, file) => sum + size(file), 0);
const tooLarge = assets.filter((file) => /\.(js|css)$/.test(file) && size(`assets/${file}`) > chunkMax);
console.log(`size: first load ${Math.ceil(total / 1024)} KB gzip in ${seen.size + 1} files, of at most ${firstLoadMax / 1024} KB`);
if (tooLarge.length > 0) console.error(`size: above ${chunkMax / 1024} KB: ${tooLarge.join(', ')}`);
if (total > firstLoadMax || tooLarge.length > 0) process.exit(1);
