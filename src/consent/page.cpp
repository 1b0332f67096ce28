#include "consent/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/html.h"

namespace terreno::consent {

namespace {

/// The words of one page in one language. `{0}` is the brand, `{1}` the topic, `{2}` the masked address.
struct Words {
  std::string_view language;
  std::string_view title;
  std::string_view ask;          ///< unsubscribe, one topic
  std::string_view ask_channel;  ///< unsubscribe, when the message named no topic
  std::string_view ask_detail;   ///< what pressing does
  std::string_view button;
  std::string_view button_channel;
  std::string_view everything;
  std::string_view done;
  std::string_view done_channel;
  std::string_view done_detail;
  std::string_view preferences;
  std::string_view confirm_ask;
  std::string_view confirm_detail;
  std::string_view confirm_button;
  std::string_view confirm_done;
  std::string_view confirm_done_detail;
  std::string_view over;
  std::string_view over_detail;
  std::string_view not_written;
  std::string_view not_written_detail;
  std::string_view unreadable;
  std::string_view unreadable_detail;
  std::string_view choose;
  std::string_view choose_detail;
  std::string_view choose_legend;
  std::string_view no_topics;
  std::string_view save;
  std::string_view saved;
  std::string_view stop;
  std::string_view stop_detail;
  std::string_view suppressed;
};

constexpr std::array<Words, 3> kWords{{
    {.language = "es",
     .title = "Tus mensajes · {0}",
     .ask = "¿Dejamos de escribirte sobre {1}?",
     .ask_channel = "¿Dejamos de escribirte?",
     .ask_detail =
         "Vale para {2} desde el momento en que pulses. Un mensaje que ya esté saliendo puede llegar todavía.",
     .button = "No quiero recibir más {1}",
     .button_channel = "No quiero recibir nada más",
     .everything = "No quiero recibir nada más de {0}",
     .done = "Hecho. No te escribiremos más sobre {1}.",
     .done_channel = "Hecho. No te enviaremos nada más.",
     .done_detail = "Ha quedado anotado para {2}, con su fecha. Seguirán llegándote solo los avisos de lo que tengas "
                    "en marcha con nosotros.",
     .preferences = "Elegir qué te contamos",
     .confirm_ask = "¿Quieres recibir {1}?",
     .confirm_detail = "Alguien nos dio {2} para recibirlo. Si fuiste tú, confírmalo; si no, no hagas nada y no te "
                       "escribiremos.",
     .confirm_button = "Sí, quiero recibirlo",
     .confirm_done = "Gracias. Te escribiremos sobre {1}.",
     .confirm_done_detail = "Puedes dejarlo cuando quieras, con el enlace de cada mensaje.",
     .over = "Este enlace ya no vale.",
     .over_detail = "Pasó el plazo para confirmar, o después se retiró el permiso. No hemos cambiado nada. Si todavía "
                    "quieres recibirlo, date de alta otra vez.",
     .not_written = "No lo hemos podido anotar.",
     .not_written_detail = "No ha cambiado nada. Abre otra vez el enlace del mensaje dentro de un momento e inténtalo "
                           "de nuevo, o responde al mensaje con la palabra «baja»: también vale.",
     .unreadable = "No podemos leer este enlace.",
     .unreadable_detail = "Quizá se cortó al copiarlo. Ábrelo desde el mensaje, o responde al mensaje con la palabra "
                          "«baja»: también vale.",
     .choose = "Tú decides qué te contamos.",
     .choose_detail = "Vale para {2}, desde que lo guardas. Un mensaje que ya esté saliendo puede llegar todavía.",
     .choose_legend = "Quiero recibir mensajes sobre",
     .no_topics = "Ahora mismo no hay ningún tema que elegir.",
     .save = "Guardar",
     .saved = "Guardado, y anotado con su fecha. Vale desde ahora.",
     .stop = "¿Lo dejamos?",
     .stop_detail = "Seguirán llegándote solo los avisos de lo que tengas en marcha con nosotros.",
     .suppressed = "A esta dirección no le enviamos nada: los mensajes volvían, o alguien los marcó como no deseados. "
                   "Responde a uno de nuestros mensajes para que lo arreglemos."},
    {.language = "fr",
     .title = "Vos messages · {0}",
     .ask = "Ne plus rien recevoir sur {1} ?",
     .ask_channel = "Ne plus recevoir nos messages ?",
     .ask_detail = "Cela vaut pour {2} dès que vous appuyez. Un message déjà en route peut encore arriver.",
     .button = "Ne plus recevoir {1}",
     .button_channel = "Ne plus rien recevoir",
     .everything = "Ne plus rien recevoir de {0}",
     .done = "C’est fait. Nous ne vous écrirons plus sur {1}.",
     .done_channel = "C’est fait. Nous ne vous enverrons plus rien.",
     .done_detail = "C’est noté pour {2}, avec la date. Vous recevrez seulement les avis sur ce que vous avez en cours "
                    "chez nous.",
     .preferences = "Choisir ce que vous recevez",
     .confirm_ask = "Souhaitez-vous recevoir {1} ?",
     .confirm_detail = "Quelqu’un nous a donné {2} pour cela. Si c’est vous, confirmez-le ; sinon, ne faites rien et "
                       "nous ne vous écrirons pas.",
     .confirm_button = "Oui, je souhaite le recevoir",
     .confirm_done = "Merci. Nous vous écrirons sur {1}.",
     .confirm_done_detail = "Vous pouvez arrêter quand vous voulez, par le lien de chaque message.",
     .over = "Ce lien n’est plus valable.",
     .over_detail = "Le délai pour confirmer est passé, ou l’accord a été retiré depuis. Nous n’avons rien changé. Si "
                    "vous souhaitez toujours le recevoir, inscrivez-vous à nouveau.",
     .not_written = "Nous n’avons pas pu le noter.",
     .not_written_detail = "Rien n’a changé. Ouvrez à nouveau le lien du message dans un moment et réessayez, ou "
                           "répondez au message par le mot « désabonner » : cela suffit.",
     .unreadable = "Nous ne pouvons pas lire ce lien.",
     .unreadable_detail = "Il a peut-être été coupé en le copiant. Ouvrez-le depuis le message, ou répondez au message "
                          "par le mot « désabonner » : cela suffit.",
     .choose = "Vous décidez de ce que nous vous écrivons.",
     .choose_detail = "Cela vaut pour {2}, dès que vous enregistrez. Un message déjà en route peut encore arriver.",
     .choose_legend = "Je souhaite recevoir des messages sur",
     .no_topics = "Il n’y a aucun sujet à choisir pour le moment.",
     .save = "Enregistrer",
     .saved = "C’est enregistré et noté, avec la date. Cela vaut dès maintenant.",
     .stop = "On arrête ?",
     .stop_detail = "Vous recevrez seulement les avis sur ce que vous avez en cours chez nous.",
     .suppressed = "Nous n’envoyons rien à cette adresse : les messages revenaient, ou quelqu’un les a signalés comme "
                   "indésirables. Répondez à l’un de nos messages pour que nous corrigions cela."},
    {.language = "en",
     .title = "Your messages · {0}",
     .ask = "Stop writing to you about {1}?",
     .ask_channel = "Stop writing to you?",
     .ask_detail = "This counts for {2} from the moment you press. A message already on its way may still arrive.",
     .button = "Send me no more {1}",
     .button_channel = "Send me nothing more",
     .everything = "Send me nothing more from {0}",
     .done = "Done. We will not write to you about {1} again.",
     .done_channel = "Done. We will send you nothing more.",
     .done_detail = "It is on record for {2}, with its date. You will only get notices about what you have under way "
                    "with us.",
     .preferences = "Choose what we tell you",
     .confirm_ask = "Would you like to receive {1}?",
     .confirm_detail = "Somebody gave us {2} for it. If it was you, confirm it; if not, do nothing and we will not "
                       "write.",
     .confirm_button = "Yes, send it to me",
     .confirm_done = "Thank you. We will write to you about {1}.",
     .confirm_done_detail = "You can stop whenever you like, with the link in each message.",
     .over = "This link is over.",
     .over_detail = "The time to confirm has passed, or the permission was withdrawn since. We have changed nothing. "
                    "If you would still like it, sign up again.",
     .not_written = "We could not write it down.",
     .not_written_detail = "Nothing has changed. Open the link in the message again in a moment and try once more, or "
                           "answer the message with the word “stop”: that counts too.",
     .unreadable = "We cannot read this link.",
     .unreadable_detail = "It may have been cut when it was copied. Open it from the message, or answer the message "
                          "with the word “stop”: that counts too.",
     .choose = "You decide what we tell you.",
     .choose_detail = "This counts for {2}, from the moment you save. A message already on its way may still arrive.",
     .choose_legend = "I would like messages about",
     .no_topics = "There is no topic to choose at the moment.",
     .save = "Save",
     .saved = "Saved, and on record with its date. It counts from now.",
     .stop = "Shall we stop?",
     .stop_detail = "You will only get notices about what you have under way with us.",
     .suppressed = "We send nothing to this address: messages came back, or somebody marked them as spam. Answer one "
                   "of our messages and we will mend it."},
}};

// Tokens of the look (console/src/ui/theme), light and dark.
constexpr std::string_view kStyle =
    ":root{color-scheme:light dark;--paper:#FAF8F3;--line:#E4DFD3;--edge:#8B8678;--ink:#1F2A2E;--quiet:#566266;"
    "--brand:#1F6B52;--brand-2:#18573F;--clay:#AB4B23;--hover:#F0ECE2;--fill:#fff}"
    "@media(prefers-color-scheme:dark){:root{--paper:#14181A;--line:#2A3235;--edge:#6E7A7E;--ink:#ECE8DF;"
    "--quiet:#A0ABAE;--brand:#56B592;--brand-2:#74C8A8;--clay:#E59468;--hover:#20272A;--fill:#10201A}}"
    "*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 \"Instrument "
    "Sans\",system-ui,-apple-system,\"Segoe UI\",Roboto,sans-serif}"
    ".top{position:relative;overflow:hidden;border-bottom:1px solid var(--line)}"
    ".top>svg{position:absolute;right:-40px;top:-90px;width:620px;opacity:.16;color:var(--ink)}"
    ".in{position:relative;max-width:720px;margin:0 auto;padding:0 20px}"
    ".who{font-weight:600;padding-top:24px;color:var(--brand);overflow-wrap:anywhere}"
    "h1{font-size:34px;line-height:1.15;font-weight:600;letter-spacing:-.02em;margin:44px 0 8px;max-width:16em;"
    "text-wrap:balance;overflow-wrap:anywhere}.top p{margin:0 0 "
    "32px;color:var(--quiet);max-width:34em;overflow-wrap:anywhere}"
    "main{padding-top:32px!important;padding-bottom:32px!important}form{margin:0 0 16px}"
    "button{font:inherit;font-weight:600;min-height:48px;padding:8px 24px;border-radius:8px;border:1px solid "
    "var(--brand);background:var(--brand);color:var(--fill);cursor:pointer;overflow-wrap:anywhere}"
    "button:hover{background:var(--brand-2)}"
    "button.no{background:none;color:var(--ink);border-color:var(--edge);font-weight:500}button.no:hover{background:"
    "var(--hover)}"
    ":focus-visible{outline:2.5px solid var(--clay);outline-offset:2px;border-radius:8px}"
    "a{color:inherit;text-underline-offset:3px;text-decoration-color:var(--edge)}"
    "fieldset{border:0;margin:0 0 24px;padding:0}legend,h2{font-size:20px;line-height:1.3;font-weight:600;padding:0;"
    "margin:0 0 8px}h2{margin-top:40px}.pick{display:flex;align-items:center;gap:14px;min-height:56px;padding:8px 0;"
    "border-top:1px solid var(--line);cursor:pointer;overflow-wrap:anywhere}.pick "
    "input{width:24px;height:24px;flex:none;"
    "margin:0;accent-color:var(--brand)}.note{border:1px solid var(--brand);border-radius:8px;padding:12px 16px;"
    "margin:0 0 24px}.quiet{color:var(--quiet)}"
    "footer{font-size:14px;color:var(--quiet);padding:24px 0 40px;border-top:1px solid var(--line)}"
    "@media(max-width:600px){h1{font-size:29px;margin-top:30px}.top>svg{right:-260px;top:-60px}button{width:100%}}";

// Contours of a real height field, as behind every public page.
constexpr std::string_view kContours =
    R"~(<svg viewBox="0 0 520 320" fill="none" stroke="currentColor" aria-hidden="true"><path stroke-width=".7" d="M)~"
    R"~(0 35c0.8-2.5 1.6-12.5 4.9-15c3.3-2.5 10.6-1.7 14.7 0c4 1.7 7.8 6.1 9.5 10c1.7 3.9 3.3 10.5 0.9 13.5c-2.3 3.1)~"
    R"~(-10 2.5-15 4.8c-5 2.3-12.5 7.6-15 9.1M12.7 0c2.1 1 8.7 3.6 12.3 6.1c3.7 2.5 6.4 4.9 9.6 8.9c3.2 4 7.4 10 9.6)~"
    R"~( 15c2.2 5 3.4 10 3.8 15c0.3 5-0.5 10.1-1.9 15c-1.3 4.9-2.6 11-6.1 14.6c-3.5 3.6-10 4.9-15 7c-5 2.1-10.8 4.1-)~"
    R"~(15 5.6c-4.2 1.4-8.3 2.6-10 3.1M35 0c1.4 1.7 5.4 5.8 8.6 10c3.2 4.2 7.7 10.5 10.5 15c2.7 4.5 4.6 8 5.9 12.1c1)~"
    R"~(.3 4.2 1.9 8.2 2.1 12.9c0.2 4.6 0.2 10.2-0.9 15c-1.2 4.8-2.7 10.1-6.2 14.1c-3.5 4-10.4 7.2-15 9.9c-4.6 2.7-8)~"
    R"~(.7 4-12.8 6c-4.2 2.1-7.6 4-12.2 6.3c-4.5 2.2-12.5 6-15 7.2M62.8 0c1.4 1.7 5.7 5.8 8.5 10c2.8 4.2 6.5 10 8.3 )~"
    R"~(15c1.8 5 1.4 10 2.5 15c1.1 5 3.3 10 4.3 15c1 5 2.4 10 1.8 15c-0.6 5-3 10.8-5.2 15c-2.2 4.2-5 7.1-8 10.4c-3 3)~"
    R"~(.3-5.8 6.3-10 9.2c-4.2 2.8-10 5.4-15 7.9c-5 2.4-10 3.8-15 6.7c-5 2.9-10.3 7.1-15 10.6c-4.7 3.5-10.2 7.9-13.5)~"
    R"~( 10.3c-3.3 2.4-5.4 3.4-6.5 4.1M343.9 0c0.9 2.5 2.8 10.8 5.3 15c2.5 4.2 6.3 7 9.8 10c3.5 3 6.7 6 11.1 8.1c4.3)~"
    R"~( 2.1 10 5.7 15 4.5c5-1.2 11.1-8.1 15-11.8c3.9-3.8 6.6-6.5 8.4-10.8c1.8-4.3 2-12.5 2.4-15M87.7 0c1 2.5 4.7 10)~"
    R"~( 5.8 15c1.1 5 0.1 10 0.6 15c0.5 5 0.5 10 2.2 15c1.7 5 6.3 10 7.7 15c1.4 5 1.2 10.4 0.6 15c-0.7 4.6-2.4 8.4-4)~"
    R"~(.6 12.6c-2.1 4.2-4.8 7.9-8.1 12.4c-3.3 4.6-8.2 10.2-11.8 15c-3.7 4.8-5.9 11-10.1 14c-4.2 3-10 2.7-15 4.1c-5 )~"
    R"~(1.4-10.3 2.3-15 4.3c-4.7 2-9.2 4.6-12.9 7.5c-3.7 2.9-5.8 5.8-9.3 10c-3.5 4.2-8.7 11-11.7 15c-3 4-5 7.3-6 8.8)~"
    R"~(M329.2 0c0.9 2.5 3 10.8 5.3 15c2.3 4.2 5.1 6.7 8.5 10c3.4 3.3 8.4 6.6 12 9.7c3.7 3.1 5.8 5.6 10 8.9c4.2 3.2 )~"
    R"~(10 9.1 15 10.6c5 1.4 10.8 0.1 15-2c4.2-2 6.7-6.9 10-10.2c3.3-3.3 6.8-5.8 10-9.4c3.2-3.7 6.1-8 9.4-12.6c3.3-4)~"
    R"~(.6 8.1-11.7 10.4-15c2.2-3.3 2.4-4.2 2.9-5M106.6 0c0.6 2.5 2.6 9.9 3.4 14.9c0.8 5 0.5 10.1 1.2 15.1c0.7 5 1.1)~"
    R"~( 10.8 3 15c2 4.2 6.5 5.8 8.7 10c2.2 4.2 4.2 10 4.7 15c0.5 5 0.6 10-1.5 15c-2.1 5-7.6 10.8-10.9 15c-3.2 4.2-5)~"
    R"~(.4 5.8-8.5 10c-3.1 4.2-7.5 10.6-10.3 15c-2.8 4.4-4.6 7.5-6.5 11.6c-1.9 4.1-3.8 8.5-5 13.2c-1.2 4.7-1.7 10.2-)~"
    R"~(2.1 15.2c-0.4 5-0.2 10-0.4 15c-0.3 5-0.8 10-1.1 15c-0.4 5-0.9 10-1.1 15c-0.2 5-0.3 10-0.2 15c0.1 5 0.3 10 1 )~"
    R"~(15c0.6 5 1.6 10 2.9 15c1.3 5 3.1 10.1 4.9 15c1.9 4.9 3.7 9.3 6.2 14.3c2.4 5 6 11.2 8.5 15.7c2.5 4.5 4.6 8 6.)~"
    R"~(5 11.3c1.9 3.3 4.2 7.3 5.1 8.7M311.4 0c1.1 2.5 3.7 10.1 6.8 15c3.1 4.9 7.4 10.3 11.9 14.3c4.5 4 10.3 6.1 15 )~"
    R"~(9.5c4.7 3.4 9 7.7 13 11.2c4 3.5 7.4 7 11.1 10c3.7 3 6.6 6.3 10.9 8c4.3 1.7 10.3 2.8 15 2.3c4.7-0.5 9.6-2.8 1)~"
    R"~(3.2-5.4c3.6-2.6 5.6-6.7 8.5-10c2.9-3.3 5.1-6.9 9-10c3.9-3.1 9.5-6.6 14.4-8.4c4.9-1.8 10-2.3 15-2.6c5-0.3 9.8)~"
    R"~( 0.4 14.8 1c5 0.5 10.2 1.2 15.2 2.2c5 1 10 1.9 15 3.5c5 1.6 11.7 4.7 15 6.1c3.3 1.4 4.2 2 5 2.4M135.3 0c0.7 )~"
    R"~(2.5 3 10 4.2 15c1.2 5 1.3 10 2.9 15c1.6 5 4 10.8 6.7 15c2.7 4.2 6.2 5.8 9.5 10c3.2 4.2 7.7 10 9.8 15c2 5 3.8)~"
    R"~( 10.5 2.4 15c-1.4 4.5-6.9 8.6-10.6 12c-3.8 3.3-7.8 5.6-12 8c-4.2 2.4-9.2 3.9-13 6.3c-3.8 2.5-6.7 4.8-10 8.4c)~"
    R"~(-3.3 3.7-7 8.6-10 13.6c-3 5-6 11.4-8 16.6c-2 5.3-3.3 10-3.9 15c-0.7 5-0.4 10-0.1 15c0.3 5 1.2 10 1.9 15c0.7 )~"
    R"~(5 1.3 10 2.1 15c0.8 5 1.6 10 2.7 15c1.1 5 2.2 10 3.7 15c1.5 5 3.1 10 5 15c1.9 5 4.1 10 6.5 15c2.4 5 5.3 10.5)~"
    R"~( 7.8 15c2.5 4.5 4.5 7.6 7.2 11.8c2.7 4.2 6.2 9.3 9 13.2c2.8 3.9 6.4 8.3 7.7 10M288.4 0c1.1 2.5 3.8 10.1 6.6 )~"
    R"~(14.8c2.8 4.7 5.8 9.7 10 13.6c4.2 3.9 10 7.2 15 9.8c5 2.7 10.2 3.4 15 6.2c4.8 2.8 9.6 7.1 13.6 10.5c3.9 3.4 6)~"
    R"~(.9 6.7 10 10c3.1 3.3 5.2 5.8 8.7 10c3.5 4.2 8.8 11 12.6 15c3.8 4 6 7.7 10.2 8.7c4.2 1 10-0.5 15-2.8c5-2.2 10)~"
    R"~(.9-6.3 15-10.6c4.1-4.3 5.4-11.4 9.6-15.4c4.2-4 10.8-5.9 15.4-8.4c4.6-2.5 7.2-5.2 12.2-6.6c5-1.4 12.5-1.8 17.)~"
    R"~(8-1.8c5.3 0 9.1 0.7 13.9 1.8c4.7 1.1 10.2 3 14.6 5c4.4 2 8.8 5.1 11.6 6.9c2.8 1.8 4.2 3.1 5 3.7M298.1 320c1.)~"
    R"~(8-1.7 7.4-7.1 11-10c3.7-2.9 6.6-5.2 10.9-7.3c4.3-2.1 10-4.6 15-5.4c5-0.8 10-0.8 15 0.5c5 1.3 10.1 5.3 15 7.3)~"
    R"~(c4.9 2.1 10.5 2.5 14.6 5c4.1 2.5 8.4 8.3 10 10M292.9 85c2.5-1.2 8-4.9 12.1-4.9c4 0 7.9 3 12.1 4.9c4.2 1.9 9.)~"
    R"~(1 3.9 12.9 6.6c3.8 2.7 7.6 5.9 10 9.8c2.4 3.9 3.6 8.8 4.3 13.6c0.7 4.8 0.3 10-0.2 15c-0.5 5-1.6 10-2.7 15c-1)~"
    R"~(.2 5-2.7 10-4.4 15c-1.7 5-3.9 10.3-5.8 15c-2 4.7-4 9-6 13.2c-2 4.2-3.6 7.3-5.9 11.8c-2.3 4.5-5.3 10-8.1 15c-)~"
    R"~(2.8 5-5.8 10.3-8.5 15c-2.7 4.7-5.2 8.9-7.5 13c-2.3 4.2-3.9 7.5-6.4 12c-2.5 4.5-5.5 10-8.6 14.7c-3.1 4.7-6.7 )~"
    R"~(9.3-10 13.5c-3.3 4.2-6.3 8.1-9.5 11.7c-3.2 3.6-5.4 7.2-9.7 10c-4.2 2.8-10.7 5.5-15.8 6.7c-5.1 1.2-10 0.8-15 )~"
    R"~(0.2c-5-0.6-10.2-1.7-15-3.7c-4.8-2-9.9-5.2-14.1-8.3c-4.1-3-7.6-6.7-10.8-10c-3.2-3.3-5.4-5.8-8.4-10c-3-4.2-6.8)~"
    R"~(-10-9.5-15c-2.7-5-4.9-10-6.7-15c-1.9-5-3.4-10-4.4-15c-1-5-1.4-10-1.8-15c-0.4-5-0.5-10-0.6-15c-0.1-5-0.5-10 0)~"
    R"~(-15c0.5-5 1.1-10.6 3-15c1.9-4.4 4.5-8.5 8.4-11.6c3.9-3.1 10-5.4 15-7.1c5-1.7 10-2.2 15-3.1c5-0.9 10-1.3 15-2)~"
    R"~(.2c5-0.9 10-1.8 15-3.3c5-1.5 10-3.1 15-5.8c5-2.7 10.8-6.7 15-10.2c4.2-3.5 7-6.9 10-10.6c3-3.6 5-7 8.3-11.2c3)~"
    R"~(.3-4.1 8.1-9.9 11.7-13.7c3.6-3.8 7.8-7.1 10-9c2.2-1.9 0.4-1.1 2.9-2.2zM191.4 205c2.5-0.5 8.8-2.3 13.6-2.6c4.)~"
    R"~(8-0.3 10 0.3 15 0.7c5 0.4 10 1.2 15 1.7c5 0.5 12.2-1.1 15 1.4c2.8 2.5 2.5 8.9 2.1 13.7c-0.5 4.8-3 10-4.8 15c)~"
    R"~(-1.9 5-3.9 10.8-6.4 15c-2.4 4.2-4.8 7.5-8.3 10c-3.5 2.5-8 4.4-12.6 5c-4.6 0.6-10 0-15-1.3c-5-1.3-11.2-3.3-15)~"
    R"~(-6.4c-3.8-3.1-5.9-7.7-7.7-12.2c-1.9-4.5-3.2-10-3.4-15c-0.2-5 0.2-10.9 2.1-15c1.9-4.1 7.3-7.7 9-9.4c1.7-1.7-1)~"
    R"~(.1-0.1 1.4-0.6z"/><path stroke-width="1.4" d="M47.7 0c1.2 1.8 4.4 6.8 7.3 10.8c2.9 4.1 7.3 8.7 10 13.6c2.7 4)~"
    R"~(.9 4.8 10.5 6.4 15.6c1.5 5.1 2.5 10 2.9 15c0.4 5 1.1 10-0.3 15c-1.4 5-4.7 11-7.9 15c-3.2 4-7.2 6.6-11.1 9.1c)~"
    R"~(-4 2.5-8.4 3.8-12.6 5.9c-4.2 2.1-8.2 4.2-12.4 6.7c-4.3 2.5-9 5.7-13.2 8.3c-4.2 2.6-9 5.8-11.8 7.5c-2.8 1.6-4)~"
    R"~(.2 1.9-5 2.3M520 113c-1-2.2-2.9-9.7-6.2-13c-3.3-3.3-9.3-5-13.8-6.7c-4.4-1.7-8.9-1.1-12.9-3.3c-4-2.2-6.3-8.3-)~"
    R"~(10.8-10c-4.5-1.7-11.5-1.7-16.3-0.1c-4.8 1.7-8.7 5.9-12.6 10.1c-3.9 4.2-7.4 10.8-10.7 15c-3.3 4.2-6 6.7-9.2 1)~"
    R"~(0c-3.1 3.3-6.7 5.8-9.6 10c-2.9 4.2-5.5 10.2-7.7 15c-2.2 4.8-3.5 9.4-5.2 14c-1.7 4.7-3.3 9.5-5 14c-1.7 4.5-3.)~"
    R"~(3 8.9-5 13.1c-1.7 4.2-3 7.5-5 12.3c-2 4.8-4.9 11.3-7.1 16.5c-2.2 5.3-4.3 10-6.1 15c-1.9 5-3.9 10-5.1 15c-1.2)~"
    R"~( 5-2.3 10-2 15c0.3 5 1.6 10.8 3.8 15c2.2 4.2 5.7 7.6 9.3 10c3.6 2.4 8.5 2.1 12.3 4.6c3.7 2.5 6.7 7.1 10 10.3)~"
    R"~(c3.3 3.2 7.1 4.8 10 9c2.9 4.2 6 13.4 7.1 16.1M520 135.6c-0.6 2.4-2.2 9.5-3.7 14.4c-1.4 4.9-3.1 10-4.9 15c-1.)~"
    R"~(8 5-3.8 10.2-5.7 15c-1.9 4.8-3.5 8.7-5.7 13.7c-2.2 5-5 11.1-7.4 16.3c-2.4 5.2-4.6 10.3-6.7 15c-2.1 4.7-4.1 9)~"
    R"~(-5.9 13.3c-1.8 4.3-3.5 8.1-5 12.5c-1.5 4.4-4.8 10.1-4 14.2c0.8 4 4.6 9.6 8.6 10c4 0.4 10.8-5.1 15.4-7.6c4.6-)~"
    R"~(2.5 8.2-5.1 12.4-7.4c4.2-2.3 10.5-5.4 12.6-6.5M185.9 320c-1.8-1.6-7.5-6.3-10.9-9.7c-3.4-3.3-6.1-6.3-9.5-10.3)~"
    R"~(c-3.3-4-7.6-9.7-10.5-13.8c-2.9-4.2-4.6-6.8-7-11.2c-2.4-4.4-5.5-10.2-7.6-15c-2.2-4.8-3.7-8.5-5.4-13.5c-1.7-5-)~"
    R"~(3.6-11.2-4.8-16.5c-1.2-5.2-1.8-10-2.5-15c-0.7-5-1.1-10-1.5-15c-0.4-5-0.9-9.8-1.1-14.8c-0.2-5-0.9-10.1-0.3-15)~"
    R"~(.2c0.7-5 1.9-10 4.2-15c2.3-5 6.3-11 9.8-15c3.5-4 6.9-6.7 11.2-8.9c4.4-2.2 10-3.1 15-4.4c5-1.3 10-2.3 15-3.5c)~"
    R"~(5-1.2 10.4-2.5 15-3.9c4.6-1.4 8.7-2.4 12.9-4.4c4.2-2 8.4-4.7 12.1-7.7c3.7-3 6.7-7.2 10-10.5c3.3-3.3 6.7-6.3 )~"
    R"~(10-9.4c3.3-3.1 6.6-6 10-8.9c3.4-2.9 6.5-5.6 10.7-8.5c4.2-2.8 9.9-6 14.3-8.5c4.4-2.5 8.2-4.9 12.3-6.5c4.2-1.6)~"
    R"~( 8.1-2.9 12.7-3.1c4.6-0.2 10 0.9 15 2c5 1 10 1.7 15 4.2c5 2.5 11 7.3 15 10.9c4 3.6 6.4 7.1 8.9 10.9c2.5 3.9 )~"
    R"~(4.3 8.2 6.1 12.4c1.8 4.2 3.5 8 4.8 12.6c1.2 4.6 2.3 10 2.7 15c0.4 5 0.1 10-0.5 15c-0.6 5-1.8 10.3-2.9 15c-1.)~"
    R"~(2 4.7-2.5 8.8-4 13.3c-1.5 4.5-3.3 9.4-5 13.7c-1.7 4.3-3 7.4-5 12.1c-2 4.7-4.8 10.8-7.2 16c-2.4 5.2-4.9 10-7.)~"
    R"~(4 15c-2.5 5-5 10-7.6 15c-2.6 5-5.1 10-7.8 15c-2.7 5-5.4 10-8.5 15c-3.1 5-6.5 10-10 15c-3.5 5-7.4 10.2-11 15c)~"
    R"~(-3.6 4.8-7.2 9.7-10.5 13.9c-3.3 4.2-7.9 9.3-9.4 11.1"/></svg>)~";

// Texts from outside are bounded, so that the page is.
constexpr size_t kShownBytesMax = 200;

std::string escape(std::string_view text) {
  size_t end = std::min(text.size(), kShownBytesMax);
  while (end < text.size() && end > 0 && (static_cast<uint8_t>(text[end]) & 0xC0) == 0x80) --end;
  return html_escaped(text.substr(0, end));
}

// A path is ours: what could end the attribute or leave the origin is dropped with the path.
std::string safe_path(std::string_view path) {
  const bool plain =
      path.starts_with('/') && !path.starts_with("//") && path.size() <= 1200 && std::ranges::all_of(path, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("/-_.~").find(c) != std::string_view::npos;
      });
  return plain ? std::string(path) : std::string();
}

const Words& words_of(const LinkPage& page) { return kWords[static_cast<size_t>(page.language)]; }

std::string say(std::string_view words, const LinkPage& page) {
  return fmt::format(fmt::runtime(words), escape(page.brand_name), escape(page.topic_name),
                     escape(page.masked_address));
}

std::string button(const LinkPage& page, std::string_view words, bool primary, std::string_view hidden) {
  return fmt::format(R"(<form method="post" action="{}">{}<button{}>{}</button></form>)", safe_path(page.post_path),
                     hidden, primary ? "" : R"( class="no")", say(words, page));
}

std::string whole_page(const LinkPage& page, std::string_view heading, std::string_view detail,
                       const std::string& main) {
  const Words& words = words_of(page);
  const std::string font = safe_path(page.font_path);
  std::string html = fmt::format(
      R"(<!doctype html><html lang="{}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex"><meta name="referrer" content="no-referrer"><title>{}</title><style>)",
      words.language, say(words.title, page));
  if (!font.empty())
    html += fmt::format(
        R"(@font-face{{font-family:"Instrument Sans";src:url({}) format("woff2");font-weight:400 700;font-display:swap}})",
        font);
  html.append(kStyle).append("</style></head><body><header class=\"top\">").append(kContours);
  html += fmt::format(
      R"(<div class="in"><div class="who">{}</div><h1>{}</h1><p>{}</p></div></header><main class="in">{}</main>)",
      escape(page.brand_name), say(heading, page), say(detail, page), main);
  html += fmt::format(R"(<div class="in"><footer>{}</footer></div></body></html>)", escape(page.legal_line));
  return html;
}

std::string preferences_link(const LinkPage& page) {
  const std::string path = safe_path(page.preferences_path);
  if (path.empty()) return {};
  return fmt::format(R"(<p><a href="{}">{}</a></p>)", path, words_of(page).preferences);
}

}  // namespace

std::optional<PageLanguage> page_language_named(std::string_view accepted) {
  // The first of the three that is named: browsers list languages by preference.
  size_t at = 0;
  while (at < accepted.size()) {
    const size_t end = std::min(accepted.find(',', at), accepted.size());
    std::string_view tag = accepted.substr(at, end - at);
    while (tag.starts_with(' ')) tag.remove_prefix(1);
    for (size_t i = 0; i < kWords.size(); ++i) {
      const std::string_view language = kWords[i].language;
      const bool named = tag.size() >= 2 && (tag[0] | 0x20) == language[0] && (tag[1] | 0x20) == language[1] &&
                         (tag.size() == 2 || tag[2] == '-' || tag[2] == '_' || tag[2] == ';');
      if (named) return static_cast<PageLanguage>(i);
    }
    at = end + 1;
  }
  return std::nullopt;
}

std::string_view code_of(PageLanguage language) { return kWords[static_cast<size_t>(language)].language; }

std::string language_of(std::string_view accepted) {
  const auto named = page_language_named(accepted);
  return named ? std::string(code_of(*named)) : std::string();
}

std::string unsubscribe_page(const LinkPage& page) {
  const Words& words = words_of(page);
  if (page.topic_name.empty())
    return whole_page(page, words.ask_channel, words.ask_detail,
                      button(page, words.button_channel, true, {}) + preferences_link(page));
  return whole_page(page, words.ask, words.ask_detail,
                    button(page, words.button, true, {}) +
                        button(page, words.everything, false, R"(<input type="hidden" name="all" value="1">)") +
                        preferences_link(page));
}

std::string unsubscribed_page(const LinkPage& page, bool everything) {
  const Words& words = words_of(page);
  const bool channel = everything || page.topic_name.empty();
  return whole_page(page, channel ? words.done_channel : words.done, words.done_detail, preferences_link(page));
}

std::string confirm_page(const LinkPage& page) {
  const Words& words = words_of(page);
  return whole_page(page, words.confirm_ask, words.confirm_detail, button(page, words.confirm_button, true, {}));
}

std::string confirmed_page(const LinkPage& page) {
  const Words& words = words_of(page);
  return whole_page(page, words.confirm_done, words.confirm_done_detail, preferences_link(page));
}

std::string link_over_page(const LinkPage& page) {
  const Words& words = words_of(page);
  return whole_page(page, words.over, words.over_detail, {});
}

std::string not_written_page(const LinkPage& page) {
  const Words& words = words_of(page);
  return whole_page(page, words.not_written, words.not_written_detail, {});
}

std::string preference_wording(const LinkPage& page, std::string_view title) {
  return fmt::format("{}: {}", words_of(page).choose_legend, title);
}

std::string preferences_page(const PreferencesPage& preferences) {
  const LinkPage& page = preferences.page;
  const Words& words = words_of(page);
  const std::string path = safe_path(page.post_path);
  const std::string form =
      fmt::format(R"(<form method="post" action="{}"><input type="hidden" name="form" value="preferences">)", path);
  std::string main;
  if (preferences.is_saved) main += fmt::format(R"(<p class="note" role="status">{}</p>)", words.saved);
  if (preferences.is_suppressed) main += fmt::format(R"(<p class="note">{}</p>)", words.suppressed);
  if (preferences.topics.empty()) {
    main += fmt::format("<p>{}</p>", words.no_topics);
  } else {
    main += form + fmt::format("<fieldset><legend>{}</legend>", words.choose_legend);
    for (const PreferenceTopic& topic : preferences.topics) {
      const std::string name = escape(topic.name);
      if (topic.is_on) main += fmt::format(R"(<input type="hidden" name="on.{}" value="1">)", name);
      main +=
          fmt::format(R"(<label class="pick"><input type="checkbox" name="t.{}" value="1"{}><span>{}</span></label>)",
                      name, topic.is_on ? " checked" : "", escape(topic.title));
    }
    main += fmt::format("</fieldset><button>{}</button></form>", words.save);
  }
  main +=
      fmt::format(R"(<h2>{}</h2><p class="quiet">{}</p>{}<button class="no" name="none" value="1">{}</button></form>)",
                  words.stop, words.stop_detail, form, words.button_channel);
  return whole_page(page, words.choose, words.choose_detail, main);
}

std::string unreadable_link_page(const LinkPage& page) {
  const Words& words = words_of(page);
  return whole_page(page, words.unreadable, words.unreadable_detail, {});
}

}  // namespace terreno::consent
