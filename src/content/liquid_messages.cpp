// What each error says to people, in English, Spanish and French. `{0}` is the subject, `{1}` the suggestion.

#include <fmt/format.h>

#include <array>

#include "content/liquid.h"

namespace terreno::content::liquid {
namespace {

/// Texts in the order of Language.
struct Message {
  Errc code;
  std::string_view name;
  std::array<std::string_view, 3> what;
  std::array<std::string_view, 3> remedy;  ///< with a suggestion; the text after it
};

constexpr std::array<std::string_view, 3> kMeant = {"Did you mean {1}?", "¿Quería decir {1}?",
                                                    "Vouliez-vous dire {1} ?"};
constexpr std::array<std::string_view, 3> kExpected = {"Expected here: {1}.", "Aquí se espera: {1}.",
                                                       "Attendu ici : {1}."};
constexpr std::array<std::string_view, 3> kAllowed = {"Allowed: {1}.", "Permitido: {1}.", "Autorisé : {1}."};
constexpr std::array<std::string_view, 3> kLimit = {"The limit is {1}.", "El límite es {1}.", "La limite est {1}."};
constexpr std::array<std::string_view, 3> kAdd = {"Add {1}.", "Añada {1}.", "Ajoutez {1}."};
constexpr std::array<std::string_view, 3> kNone = {"", "", ""};

constexpr Message kMessages[] = {
    {Errc::source_too_long,
     "source_too_long",
     {"The template has {0} bytes; split it into partials.", "La plantilla tiene {0} bytes; divídala en fragmentos.",
      "Le modèle fait {0} octets ; divisez-le en fragments."},
     kLimit},
    {Errc::source_not_utf8,
     "source_not_utf8",
     {"The template is not UTF-8 here; save it as UTF-8.", "Aquí la plantilla no es UTF-8; guárdela como UTF-8.",
      "Ici le modèle n’est pas en UTF-8 ; enregistrez-le en UTF-8."},
     kNone},
    {Errc::nesting_too_deep,
     "nesting_too_deep",
     {"Blocks or brackets are nested too deeply; use a partial.",
      "Hay demasiados bloques o corchetes anidados; use un fragmento.",
      "Trop de blocs ou de crochets imbriqués ; utilisez un fragment."},
     kNone},
    {Errc::unclosed_output,
     "unclosed_output",
     {"{0} is never closed.", "{0} no se cierra nunca.", "{0} n’est jamais fermé."},
     kAdd},
    {Errc::unclosed_tag,
     "unclosed_tag",
     {"{0} is never closed.", "{0} no se cierra nunca.", "{0} n’est jamais fermé."},
     kAdd},
    {Errc::unclosed_block,
     "unclosed_block",
     {"The block “{0}” has no end.", "El bloque «{0}» no tiene fin.", "Le bloc « {0} » n’a pas de fin."},
     kAdd},
    {Errc::unclosed_string,
     "unclosed_string",
     {"A text begins with {0} and has no closing quote; add it.",
      "Un texto empieza con {0} y no tiene comilla final; añádala.",
      "Un texte commence par {0} sans guillemet final ; ajoutez-le."},
     kNone},
    {Errc::unexpected_tag,
     "unexpected_tag",
     {"The tag “{0}” belongs to no open block here.", "La etiqueta «{0}» no pertenece aquí a ningún bloque abierto.",
      "La balise « {0} » n’appartient ici à aucun bloc ouvert."},
     kExpected},
    {Errc::unknown_tag,
     "unknown_tag",
     {"There is no tag “{0}”.", "No existe la etiqueta «{0}».", "La balise « {0} » n’existe pas."},
     kMeant},
    {Errc::unknown_filter,
     "unknown_filter",
     {"There is no filter “{0}”.", "No existe el filtro «{0}».", "Le filtre « {0} » n’existe pas."},
     kMeant},
    {Errc::unknown_operator,
     "unknown_operator",
     {"There is no operator “{0}”.", "No existe el operador «{0}».", "L’opérateur « {0} » n’existe pas."},
     kMeant},
    {Errc::unknown_argument,
     "unknown_argument",
     {"There is no argument “{0}” here.", "Aquí no existe el argumento «{0}».", "L’argument « {0} » n’existe pas ici."},
     kAllowed},
    {Errc::unknown_partial,
     "unknown_partial",
     {"There is no partial “{0}”.", "No existe el fragmento «{0}».", "Le fragment « {0} » n’existe pas."},
     kMeant},
    {Errc::wrong_argument_count,
     "wrong_argument_count",
     {"The filter “{0}” has the wrong number of arguments.",
      "El filtro «{0}» tiene un número incorrecto de argumentos.",
      "Le filtre « {0} » a un mauvais nombre d’arguments."},
     kAllowed},
    {Errc::unexpected_character,
     "unexpected_character",
     {"The character {0} has no meaning here; put texts in quotes.",
      "El carácter {0} no tiene sentido aquí; ponga los textos entre comillas.",
      "Le caractère {0} n’a pas de sens ici ; mettez les textes entre guillemets."},
     kNone},
    {Errc::unexpected_word,
     "unexpected_word",
     {"“{0}” is not expected here.", "No se espera «{0}» aquí.", "« {0} » n’est pas attendu ici."},
     kExpected},
    {Errc::expected_expression,
     "expected_expression",
     {"A value is missing before “{0}”: a variable, a number or a text in quotes.",
      "Falta un valor antes de «{0}»: una variable, un número o un texto entre comillas.",
      "Il manque une valeur avant « {0} » : une variable, un nombre ou un texte entre guillemets."},
     kNone},
    {Errc::number_too_large,
     "number_too_large",
     {"The number {0} is too large; write it as text in quotes.",
      "El número {0} es demasiado grande; escríbalo como texto entre comillas.",
      "Le nombre {0} est trop grand ; écrivez-le comme texte entre guillemets."},
     kNone},
    {Errc::unescaped_forbidden,
     "unescaped_forbidden",
     {"“unescaped” is allowed only in the locked parts of a template; remove it here.",
      "«unescaped» solo se permite en las partes bloqueadas de una plantilla; quítelo aquí.",
      "« unescaped » n’est autorisé que dans les parties verrouillées d’un modèle ; retirez-le ici."},
     kNone},
    {Errc::variable_missing,
     "variable_missing",
     {"The variable “{0}” has no value for this person; add | default: \"…\".",
      "La variable «{0}» no tiene valor para esta persona; añada | default: \"…\".",
      "La variable « {0} » n’a pas de valeur pour cette personne ; ajoutez | default: \"…\"."},
     kNone},
    {Errc::number_overflow,
     "number_overflow",
     {"The result is too large for a number; compute with smaller ones.",
      "El resultado es demasiado grande para un número; calcule con otros menores.",
      "Le résultat est trop grand pour un nombre ; calculez avec de plus petits."},
     kNone},
    {Errc::division_by_zero,
     "division_by_zero",
     {"This divides by zero; check the divisor with if.", "Esto divide entre cero; compruebe el divisor con if.",
      "Ceci divise par zéro ; vérifiez le diviseur avec if."},
     kNone},
    {Errc::not_comparable,
     "not_comparable",
     {"“{0}” compares values of different kinds; turn texts into numbers with | plus: 0.",
      "«{0}» compara valores de tipos distintos; convierta los textos en números con | plus: 0.",
      "« {0} » compare des valeurs de types différents ; changez les textes en nombres avec | plus: 0."},
     kNone},
    {Errc::not_an_integer,
     "not_an_integer",
     {"“{0}” is no whole number; give one, such as 3.", "«{0}» no es un número entero; indique uno, como 3.",
      "« {0} » n’est pas un nombre entier ; donnez-en un, tel que 3."},
     kNone},
    {Errc::not_an_array,
     "not_an_array",
     {"The filter “{0}” needs a list as its argument; make one with split.",
      "El filtro «{0}» necesita una lista como argumento; créela con split.",
      "Le filtre « {0} » demande une liste comme argument ; créez-la avec split."},
     kNone},
    {Errc::no_such_property,
     "no_such_property",
     {"The elements of this list have no property “{0}”; use a list of objects.",
      "Los elementos de esta lista no tienen la propiedad «{0}»; use una lista de objetos.",
      "Les éléments de cette liste n’ont pas la propriété « {0} » ; utilisez une liste d’objets."},
     kNone},
    {Errc::not_decodable,
     "not_decodable",
     {"The filter “{0}” cannot decode this value; check how it was encoded.",
      "El filtro «{0}» no puede descodificar este valor; compruebe cómo se codificó.",
      "Le filtre « {0} » ne peut pas décoder cette valeur ; vérifiez comment elle a été encodée."},
     kNone},
    {Errc::unknown_time_zone,
     "unknown_time_zone",
     {"There is no time zone “{0}”; use a name such as {1}.",
      "No existe la zona horaria «{0}»; use un nombre como {1}.",
      "Le fuseau horaire « {0} » n’existe pas ; utilisez un nom comme {1}."},
     kNone},
    {Errc::unknown_currency,
     "unknown_currency",
     {"“{0}” is no currency; use three letters such as {1}.", "«{0}» no es una moneda; use tres letras como {1}.",
      "« {0} » n’est pas une devise ; utilisez trois lettres comme {1}."},
     kNone},
    {Errc::unknown_locale,
     "unknown_locale",
     {"“{0}” is no locale; use one such as {1}.", "«{0}» no es un idioma; use uno como {1}.",
      "« {0} » n’est pas une langue ; utilisez-en une comme {1}."},
     kNone},
    {Errc::link_missing,
     "link_missing",
     {"There is no link for “{0}” in this message; it exists only in deliveries that have one.",
      "No hay enlace para «{0}» en este mensaje; solo existe en los envíos que lo tienen.",
      "Il n’y a pas de lien pour « {0} » dans ce message ; il n’existe que dans les envois qui en ont un."},
     kNone},
    {Errc::partial_missing,
     "partial_missing",
     {"There is no partial “{0}”; create it or correct its name.",
      "No existe el fragmento «{0}»; créelo o corrija su nombre.",
      "Le fragment « {0} » n’existe pas ; créez-le ou corrigez son nom."},
     kNone},
    {Errc::include_forbidden,
     "include_forbidden",
     {"include is not allowed inside a partial that render shows; use render.",
      "include no se permite dentro de un fragmento mostrado por render; use render.",
      "include n’est pas autorisé dans un fragment affiché par render ; utilisez render."},
     kNone},
    {Errc::too_many_steps,
     "too_many_steps",
     {"The template does too much work; loop over less.",
      "La plantilla hace demasiado trabajo; recorra menos elementos.",
      "Le modèle fait trop de travail ; parcourez moins d’éléments."},
     kLimit},
    {Errc::output_too_long,
     "output_too_long",
     {"The output is too long; show less.", "El resultado es demasiado largo; muestre menos.",
      "Le résultat est trop long ; affichez moins."},
     kLimit},
    {Errc::memory_exhausted,
     "memory_exhausted",
     {"The template makes too much text or too long lists; use less.",
      "La plantilla crea demasiado texto o listas demasiado largas; use menos.",
      "Le modèle crée trop de texte ou des listes trop longues ; utilisez-en moins."},
     kLimit},
    {Errc::depth_exceeded,
     "depth_exceeded",
     {"Blocks and partials are nested too deeply; does a partial include itself?",
      "Hay demasiados bloques y fragmentos anidados; ¿se incluye un fragmento a sí mismo?",
      "Trop de blocs et de fragments imbriqués ; un fragment s’inclut-il lui-même ?"},
     kLimit},
    {Errc::data_not_json,
     "data_not_json",
     {"The data is not valid JSON; correct it: {0}", "Los datos no son JSON válido; corríjalos: {0}",
      "Les données ne sont pas du JSON valide ; corrigez-les : {0}"},
     kNone},
    {Errc::data_not_object,
     "data_not_object",
     {"“{0}” is missing or of the wrong kind; the line is an object with a text “template”, and objects “data” and "
      "“templates”.",
      "«{0}» falta o es del tipo incorrecto; la línea es un objeto con un texto «template» y objetos «data» y "
      "«templates».",
      "« {0} » manque ou n’est pas du bon type ; la ligne est un objet avec un texte « template » et des objets « data "
      "» et « templates »."},
     kNone},
};

constexpr bool in_order() {
  for (size_t i = 0; i < std::size(kMessages); ++i)
    if (static_cast<size_t>(kMessages[i].code) != i) return false;
  return std::size(kMessages) == static_cast<size_t>(Errc::data_not_object) + 1;
}
static_assert(in_order(), "one message for each code, in the order of the codes");

// Subjects quote the template and may hold braces, so they are put in by hand, not by a format.
void append_filled(std::string& out, std::string_view text, const Error& error) {
  for (size_t at = 0; at < text.size(); ++at) {
    if (text.substr(at).starts_with("{0}")) {
      out += error.subject;
      at += 2;
    } else if (text.substr(at).starts_with("{1}")) {
      out += error.suggestion;
      at += 2;
    } else {
      out += text[at];
    }
  }
}

}  // namespace

std::string_view name_of(Errc code) { return kMessages[static_cast<size_t>(code)].name; }

std::string describe(const Error& error, Language language) {
  constexpr std::array<std::string_view, 3> kPlace = {
      "line {}, column {}: ", "línea {}, columna {}: ", "ligne {}, colonne {} : "};
  constexpr std::array<std::string_view, 3> kPartial = {"partial {}, ", "fragmento {}, ", "fragment {}, "};
  const auto index = static_cast<size_t>(language);
  const Message& message = kMessages[static_cast<size_t>(error.code)];
  std::string text;
  if (!error.partial.empty()) text += fmt::format(fmt::runtime(kPartial[index]), error.partial);
  text += fmt::format(fmt::runtime(kPlace[index]), error.line, error.column);
  append_filled(text, message.what[index], error);
  if (!error.suggestion.empty() && !message.remedy[index].empty()) {
    text += ' ';
    append_filled(text, message.remedy[index], error);
  }
  return text;
}

}  // namespace terreno::content::liquid
