// Every code that the server sends has words in every language, and no words are kept for a code that it does not send. The
// codes are read out of the C++ sources, since nothing else knows them all. Run by `npm run check`.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = new URL('..', import.meta.url).pathname;
const languages = ['en', 'es', 'fr'];
const problems = [];
const source = (file) => readFileSync(join(root, '../src', file), 'utf8');
const literals = (code) => [...code.matchAll(/"([a-z0-9_:]+)"/g)].map((match) => match[1]);

/** The strings of a name table: `kNames{"a", "b"}`. */
const table = (file, name) => literals(new RegExp(`\\b${name}\\s*\\{([^}]*)\\}`).exec(source(file))?.[1] ?? '');

/** The strings in a function, from its name to its closing brace in the first column. */
const inFunction = (file, head) => {
  const code = source(file);
  const begin = code.indexOf(head);
  return begin < 0 ? [] : literals(code.slice(begin, code.indexOf('\n}', begin)));
};

/** The strings of the first argument, or member, after each match of `opening`, which ends with the bracket. */
const firstArguments = (file, opening) => {
  const code = source(file);
  return [...code.matchAll(opening)].flatMap((match) => {
    const begin = match.index + match[0].length;
    let depth = 1;
    let end = begin;
    for (; end < code.length && depth > 0 && !(depth === 1 && code[end] === ','); end++) {
      if ('({['.includes(code[end])) depth++;
      if (')}]'.includes(code[end])) depth--;
    }
    return literals(code.slice(begin, end));
  });
};

const auditActions = [
  ...firstArguments('governance/commands.cpp', /\bnote\(/g),
  ...['governance/registry.cpp', 'server/files/audit_folder.cpp', 'api/accounts.cpp'].flatMap((file) => firstArguments(file, /\bAuditNote \w+\{/g)),
  ...['live.cpp', 'messages.cpp', 'people.cpp', 'commands.cpp', 'configuration.cpp'].flatMap((file) => firstArguments(`api/${file}`, /\b(?:note_view\(call,\s*|about_person\(|note\(call,\s*\{)/g)),
];

// `extra`: words that the console chooses itself, or that stand for a code nobody knows. `open`: other places send codes of
// this family, too, so what is not in the sources named here may still be needed.
const families = [
  { texts: 'common:channel', codes: table('consent/act.cpp', 'kChannelNames') },
  // An objection is a kind of its own on the timeline.
  { texts: 'people:happened.consent', codes: table('consent/act.cpp', 'kActionNames').filter((code) => code !== 'object'), extra: ['any'] },
  { texts: 'people:happened.consent_wide', codes: table('consent/act.cpp', 'kActionNames').filter((code) => code !== 'object'), extra: ['any'] },
  { texts: 'people:happened.journey', codes: literals(/\{"kind", "journey"\}[^;]*?(\{"state", "\w+"\})/.exec(source('api/people.cpp'))?.[1].replace('"state"', '') ?? ''), extra: ['any'] },
  { texts: 'people:method', codes: table('consent/act.cpp', 'kMethodNames') },
  { texts: 'people:consent', codes: table('consent/fold.cpp', 'kStateNames'), extra: ['paused', 'paused_until'] },
  { texts: 'people:kind', codes: table('events/record.cpp', 'kKindNames') },
  { texts: 'people:rank', codes: table('profiles/profiles.cpp', 'kRankNames') },
  { texts: 'people:edge', codes: table('identity/names.cpp', 'kEdgeKinds') },
  { texts: 'people:edge_state', codes: table('api/people.cpp', 'kStates') },
  { texts: 'events:state', codes: table('api/news.cpp', 'kNames') },
  {
    texts: 'events:reason',
    codes: [
      ...inFunction('events/item.cpp', 'std::string_view objection_to('),
      ...firstArguments('events/item.cpp', /std::unexpected\(/g),
      ...firstArguments('events/parse.cpp', /\brefuse\(/g),
      ...literals(/item\.reason = is_known[^;]*;/.exec(source('api/news.cpp'))?.[0] ?? ''),
    ],
    extra: ['unknown'],
  },
  ...['state', 'sentence', 'became', 'because'].map((family) => ({ texts: `messages:${family}`, codes: inFunction('api/customer_api.cpp', 'std::string_view message_state('), open: true })),
  { texts: 'why:gate', codes: table('contact/arbiter.cpp', 'kGateNames'), extra: ['transactional', 'sandbox', 'other'] },
  { texts: 'why:state', codes: table('contact/arbiter.cpp', 'kGateStates') },
  ...table('contact/arbiter.cpp', 'kGateNames').map((gate) => ({ texts: `why:gate.${gate}`, codes: table('contact/arbiter.cpp', 'kGateStates') })),
  { texts: 'why:reason', codes: inFunction('consent/permit.cpp', 'std::string_view name_of(Rule rule)'), open: true },
  { texts: 'why:sentence', codes: firstArguments('oversight/why.cpp', /\bwhy\.sentence = \{/g), extra: ['unknown'] },
  { texts: 'why:becomes', codes: firstArguments('oversight/why.cpp', /\bwhy\.becomes = \{/g).filter((code) => code !== 'nothing'), open: true },
  { texts: 'why:changed', codes: firstArguments('oversight/why.cpp', /\bwhy\.would_have_changed = \{/g).filter((code) => code !== 'nothing'), open: true },
  { texts: 'settings:scope', codes: table('governance/access.cpp', 'kScopeNames').map((code) => code.replace(':', '_')) },
  { texts: 'settings:role', codes: table('governance/access.cpp', 'kRoleNames') },
  { texts: 'settings:role_hint', codes: table('governance/access.cpp', 'kRoleNames') },
  { texts: 'settings:actor', codes: table('governance/access.cpp', 'kActorNames') },
  { texts: 'settings:field', codes: table('governance/model.cpp', 'kMissingNames'), open: true },
  {
    texts: 'settings:action',
    codes: auditActions,
    extra: ['unknown', 'sign_in_refused_unknown', 'person_objected_channel', 'user_given_role', 'user_given_language', 'user_renamed', 'user_let_in', 'user_shut_out'],
  },
];

const texts = new Map(
  languages.map((language) => [
    language,
    Object.fromEntries(readdirSync(join(root, 'texts', language)).map((file) => [file.replace(/\.json$/, ''), JSON.parse(readFileSync(join(root, 'texts', language, file), 'utf8'))])),
  ]),
);

let count = 0;
for (const { texts: family, codes, extra = [], open = false } of families) {
  const [namespace, path] = family.split(':');
  // A table that was renamed would otherwise be no table to fall short of.
  if (codes.length === 0) problems.push(`${family}: no code of it was found in src; say where they are now`);
  count += codes.length;
  for (const language of languages) {
    const words = path.split('.').reduce((tree, name) => tree?.[name], texts.get(language)[namespace]) ?? {};
    for (const code of new Set([...codes, ...extra])) if (words[code] === undefined) problems.push(`${language} ${family}.${code}: is missing`);
    if (open || codes.length === 0) continue;
    for (const code of Object.keys(words)) if (!codes.includes(code) && !extra.includes(code)) problems.push(`${language} ${family}.${code}: the server sends no such code`);
  }
}

if (problems.length > 0) {
  console.error(problems.map((problem) => `codes: ${problem}`).join('\n'));
  process.exit(1);
}
console.log(`codes: ${count} codes of the server have their words`);
