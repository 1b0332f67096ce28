#pragma once

// What the organisation of the stories has set up.

#include <string>
#include <vector>

#include "flow/configuration.h"

namespace terreno::scenarios {

inline flow::Document topic(const std::string& name) {
  return {"topics/" + name + ".yaml", "kind: topic\nname: " + name + "\nspec: {titles: {en: " + name + "}}\n"};
}

inline flow::Document message(const std::string& name) {
  return {"templates/" + name + ".yaml",
          "kind: template\nname: " + name +
              "\nspec:\n  author: Marta\n  aim: says hello\n  languages:\n    en:\n      subject: \"Hello {{ "
              "person.first_name | default: 'you' }}\"\n      html: '<p>Hello</p><a href=\"{% unsubscribe_url "
              "%}\">no more</a>'\n      text: 'Hello {% unsubscribe_url %}'\n"};
}

/// A journey that sends one message. `more` are further lines of its spec; `send` further fields of its send.
inline flow::Document sends(const std::string& name, const std::string& event, const std::string& template_name,
                            const std::string& send = "", const std::string& more = "") {
  return {"journeys/" + name + ".yaml", "kind: journey\nname: " + name +
                                            "\nspec:\n  owner: Marta Soler\n  reply_to: hola@example.org\n  trigger: "
                                            "{event: " +
                                            event + "}\n" + more + "  steps:\n    - send: {template: " + template_name +
                                            ", topic: tips" + send + "}\n"};
}

inline flow::Document policy(const std::string& spec) {
  return {"policy.yaml", "kind: policy\nname: contact\nspec:\n" + spec};
}

inline std::vector<flow::Document> welcome_documents() {
  return {topic("tips"), message("hello"), sends("welcome", "Signed Up", "hello"),
          policy("  time_zone: Europe/Madrid\n")};
}

}  // namespace terreno::scenarios
