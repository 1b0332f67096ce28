// One core's cost of a 10-KB message: building its MIME text, and signing it. The hardware's limit stands beside it:
// the bare signature, without DKIM.

#include <benchmark/benchmark.h>

#include "channels/channels.h"
#include "channels/mime_testing.h"

namespace terreno::channels {
namespace {

EmailMessage ten_kilobytes() {
  EmailMessage message = sample_message();
  message.text.clear();
  message.html.clear();
  while (message.text.size() < 2500) message.text += "Una línea de texto como las que se escriben a mano.\n";
  while (message.html.size() < 7500)
    message.html += "<p style=\"margin: 0\">Una línea de texto con <b>marcas</b></p>\n";
  message.list_unsubscribe_url = "https://terreno.example.org/u/token";
  return message;
}

void BuildMime(benchmark::State& state) {
  const EmailMessage message = ten_kilobytes();
  for (auto _ : state) benchmark::DoNotOptimize(build_mime(message));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BuildMime);

void Sign(benchmark::State& state) {
  const auto rsa = crypto::SigningKey::generate(crypto::KeyAlgorithm::rsa_2048);
  const auto ed25519 = crypto::SigningKey::generate(crypto::KeyAlgorithm::ed25519);
  std::vector<DkimKey> keys;
  if (state.range(0) != 0) keys.push_back({"example.org", "r", signer_of(rsa)});
  if (state.range(1) != 0) keys.push_back({"example.org", "e", signer_of(ed25519)});
  const EmailMessage message = ten_kilobytes();
  const std::string data = build_mime(message)->data;
  for (auto _ : state) {
    std::string copy = data;
    benchmark::DoNotOptimize(sign_dkim(copy, keys, message.date));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Sign)->ArgNames({"rsa", "ed25519"})->Args({1, 0})->Args({0, 1})->Args({1, 1});

void BareSignature(benchmark::State& state) {
  const auto key = crypto::SigningKey::generate(state.range(0) == 0 ? crypto::KeyAlgorithm::rsa_2048
                                                                    : crypto::KeyAlgorithm::ed25519);
  for (auto _ : state) benchmark::DoNotOptimize(key.sign("sixteen bytes...sixteen bytes..."));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BareSignature)->ArgName("ed25519")->Arg(0)->Arg(1);

}  // namespace
}  // namespace terreno::channels
