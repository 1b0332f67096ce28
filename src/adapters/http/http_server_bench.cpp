// A server with an immediate reply, to be measured from outside: adapters_http_bench PORT [THREADS]. Stops at the end
// of its input.

#include <cstdlib>
#include <iostream>
#include <limits>

#include "adapters/http/http_server.h"

int main(int argc, char** argv) {
  using namespace terreno::http;
  HttpServerOptions options;
  options.port = static_cast<uint16_t>(argc > 1 ? std::atoi(argv[1]) : 8099);
  options.threads = argc > 2 ? std::atoi(argv[2]) : 1;
  auto server = HttpServer::start(options, [](const Request& /*request*/, const Responder& responder) {
    Response response;
    response.content_type = "application/json";
    response.body = std::string_view(R"({"success":true})");
    responder.answer(std::move(response));
  });
  if (!server) {
    std::cerr << server.error().context << "\n";
    return 1;
  }
  std::cout << (*server)->port() << std::endl;
  std::cin.ignore(std::numeric_limits<std::streamsize>::max());
  return 0;
}
