#include "adapters/http/http_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace terreno::http {
namespace {

// A client on a plain socket: what goes over the wire is what the test says.
class Client {
 public:
  explicit Client(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~Client() { ::close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // False: the server has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(count));
    }
    return true;
  }
  void finish_sending() { ::shutdown(socket_, SHUT_WR); }

  // Reads until the text ends with or holds `mark`, or until the server closes.
  std::string read_until(std::string_view mark) {
    while (received_.find(mark) == std::string::npos && receive()) {
    }
    const size_t at = received_.find(mark);
    const size_t end = at == std::string::npos ? received_.size() : at + mark.size();
    std::string text = received_.substr(0, end);
    received_.erase(0, end);
    return text;
  }
  std::string read_to_end() {
    while (receive()) {
    }
    return std::exchange(received_, {});
  }
  // One response with a Content-Length.
  struct Answer {
    std::string head;
    std::string body;
    [[nodiscard]] int status() const { return head.size() > 12 ? std::stoi(head.substr(9, 3)) : 0; }
  };
  Answer read_answer(bool has_body = true) {
    Answer answer;
    answer.head = read_until("\r\n\r\n");
    const size_t at = answer.head.find("Content-Length: ");
    if (!has_body || at == std::string::npos) return answer;
    const size_t size = std::stoul(answer.head.substr(at + 16));
    while (received_.size() < size && receive()) {
    }
    answer.body = received_.substr(0, size);
    received_.erase(0, size);
    return answer;
  }

 private:
  bool receive() {
    char bytes[65536];
    const ssize_t count = ::recv(socket_, bytes, sizeof bytes, 0);
    if (count <= 0) return false;
    received_.append(bytes, static_cast<size_t>(count));
    return true;
  }
  int socket_;
  std::string received_;
};

Response text_response(std::string text) {
  Response response;
  response.content_type = "text/plain";
  response.body = std::move(text);
  return response;
}

// Answers with what it saw.
void describe(const Request& request, const Responder& responder) {
  std::string text = std::string(request.method_text) + " " + request.path + " " + std::string(request.body);
  responder.answer(text_response(std::move(text)));
}

HttpServerOptions small() {
  HttpServerOptions options;
  options.port = 0;
  options.body_bytes_max = 100'000;
  options.head_bytes_max = 16 * 1024;
  return options;
}

std::unique_ptr<HttpServer> serve(Handler handler = describe, HttpServerOptions options = small(),
                                  RefusalHandler refuse = {}) {
  auto server = HttpServer::start(std::move(options), std::move(handler), std::move(refuse));
  EXPECT_TRUE(server.has_value());
  return std::move(*server);
}

std::string post(std::string_view body, std::string_view more = "") {
  return "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + std::string(more) +
         "\r\n" + std::string(body);
}

TEST(HttpServer, AnswersRequestsOfOneConnectionInOrder) {
  const auto server = serve();
  Client client(server->port());
  for (int i = 0; i < 100; ++i) {
    const std::string body(static_cast<size_t>(i) * 7, static_cast<char>('a' + i % 26));
    ASSERT_TRUE(client.send(post(body)));
    const auto answer = client.read_answer();
    EXPECT_EQ(answer.status(), 200);
    EXPECT_EQ(answer.body, "POST /p " + body);
  }
}

TEST(HttpServer, AnswersAPipelineInOrderWhicheverThreadAnswersFirst) {
  // Odd requests are answered by other threads.
  std::vector<std::jthread> threads;
  const auto server = serve([&](const Request& request, const Responder& responder) {
    const std::string body(request.body);
    if (body.size() % 2 == 0) return responder.answer(text_response(body));
    threads.emplace_back([responder, body] { responder.answer(text_response(body)); });
  });
  Client client(server->port());
  std::string pipeline;
  for (size_t i = 0; i < 200; ++i) pipeline += post(std::string(i, 'x'));
  ASSERT_TRUE(client.send(pipeline));
  for (size_t i = 0; i < 200; ++i) ASSERT_EQ(client.read_answer().body, std::string(i, 'x'));
}

TEST(HttpServer, ReadsRequestsHoweverTheyAreCut) {
  const auto server = serve();
  const std::string request = post("hello");
  for (size_t cut = 1; cut < request.size(); ++cut) {
    Client client(server->port());
    ASSERT_TRUE(client.send(request.substr(0, cut)));
    ASSERT_TRUE(client.send(request.substr(cut) + request));
    EXPECT_EQ(client.read_answer().body, "POST /p hello") << cut;
    EXPECT_EQ(client.read_answer().body, "POST /p hello") << cut;
  }
  Client client(server->port());
  for (const char c : request) ASSERT_TRUE(client.send({&c, 1}));
  EXPECT_EQ(client.read_answer().body, "POST /p hello");
}

TEST(HttpServer, ReadsChunkedBodiesAndWhatFollowsThem) {
  const auto server = serve();
  const std::string head = "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string chunks = "5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nTrailer: x\r\n\r\n";
  for (size_t cut = 0; cut < chunks.size(); ++cut) {
    Client client(server->port());
    ASSERT_TRUE(client.send(head + chunks.substr(0, cut)));
    ASSERT_TRUE(client.send(chunks.substr(cut) + post("next")));
    EXPECT_EQ(client.read_answer().body, "POST /p hello world") << cut;
    EXPECT_EQ(client.read_answer().body, "POST /p next") << cut;
  }
}

TEST(HttpServer, InvitesABodyThatWaitsToBeAskedFor) {
  const auto server = serve();
  Client client(server->port());
  ASSERT_TRUE(client.send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"));
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_TRUE(client.send("hello"));
  EXPECT_EQ(client.read_answer().body, "POST /p hello");
  ASSERT_TRUE(client.send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999\r\nExpect: 100-continue\r\n\r\n"));
  EXPECT_EQ(client.read_answer().status(), 413);
}

TEST(HttpServer, RefusesATooLargeBodySoThatItsSenderCanReadIt) {
  const auto server = serve(describe, small(), [](const Request& request, Refusal refusal) {
    EXPECT_EQ(refusal, Refusal::body_too_large);
    Response response = text_response("refused " + request.path);
    response.status = status_of(refusal);
    return response;
  });
  {
    Client client(server->port());
    // The client writes all of it before it reads, as SDKs do.
    client.send(post(std::string(3'000'000, 'x')));
    const auto answer = client.read_answer();
    EXPECT_EQ(answer.status(), 413);
    EXPECT_EQ(answer.body, "refused /p");
    EXPECT_NE(answer.head.find("Connection: close"), std::string::npos);
  }
  Client chunked(server->port());
  chunked.send("POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 30; ++i) chunked.send("2000\r\n" + std::string(0x2000, 'x') + "\r\n");
  EXPECT_EQ(chunked.read_answer().status(), 413);
  EXPECT_EQ(server->stats().refused, 2U);
}

TEST(HttpServer, TakesABodyOfExactlyTheBound) {
  const auto server = serve();
  Client client(server->port());
  ASSERT_TRUE(client.send(post(std::string(100'000, 'x'))));
  EXPECT_EQ(client.read_answer().body.size(), 100'008U);
}

TEST(HttpServer, RefusesBodiesBeyondTheMemoryForAllOfThem) {
  HttpServerOptions options = small();
  options.body_bytes_total_max = 100'000;
  const auto server = serve(describe, options);
  Client first(server->port());
  // 64 KiB are held by a request that does not end.
  ASSERT_TRUE(first.send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 90000\r\n\r\n" + std::string(1000, 'x')));
  // Whether the first request's bytes have been read is not ours to see: ask until its memory counts.
  for (;;) {
    Client second(server->port());
    second.send(post(std::string(60'000, 'x')));
    const auto answer = second.read_answer();
    if (answer.status() == 200) continue;
    EXPECT_EQ(answer.status(), 429);
    EXPECT_NE(answer.head.find("Retry-After: 1\r\n"), std::string::npos);
    break;
  }
}

TEST(HttpServer, ClosesOnWhatIsNoHttp) {
  const auto server = serve();
  const std::pair<std::string, int> cases[] = {
      {"hello\r\n\r\n", 400},
      {"GET / HTTP/3.0\r\n\r\n", 400},
      {"GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
      {"GET / HTTP/1.1\r\nA: " + std::string(20'000, 'x') + "\r\n\r\n", 431},
      {"GET /" + std::string(20'000, 'x') + " HTTP/1.1\r\n\r\n", 431},
  };
  for (const auto& [bytes, status] : cases) {
    Client client(server->port());
    client.send(bytes);
    const std::string text = client.read_to_end();
    EXPECT_EQ(text.substr(0, 12), "HTTP/1.1 " + std::to_string(status)) << bytes.substr(0, 60);
    EXPECT_NE(text.find("Connection: close"), std::string::npos);
  }
  EXPECT_EQ(server->stats().malformed, std::size(cases));
  EXPECT_EQ(server->stats().requests, 0U);
}

TEST(HttpServer, BoundsHeadersThatComeBitByBit) {
  const auto server = serve();
  Client client(server->port());
  client.send("GET / HTTP/1.1\r\n");
  while (client.send("A: " + std::string(1000, 'x') + "\r\n")) {
  }
  EXPECT_EQ(server->stats().requests, 0U);
}

TEST(HttpServer, LeavesSlowClients) {
  HttpServerOptions options = small();
  options.idle_timeout = options.head_timeout = options.body_timeout = milliseconds(60);
  const auto server = serve(describe, options);
  Client idle(server->port());
  EXPECT_EQ(idle.read_to_end(), "");
  Client head(server->port());
  head.send("GET / HTTP/1.1\r\nA");
  EXPECT_EQ(head.read_to_end(), "");
  Client body(server->port());
  body.send("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc");
  EXPECT_EQ(body.read_answer().status(), 408);
  Client chunked(server->port());
  chunked.send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc");
  EXPECT_EQ(chunked.read_answer().status(), 408);
}

TEST(HttpServer, LeavesClientsThatDoNotReadTheirAnswer) {
  HttpServerOptions options = small();
  options.write_timeout = milliseconds(60);
  const auto server = serve(
      [](const Request&, const Responder& responder) { responder.answer(text_response(std::string(50'000'000, 'x'))); },
      options);
  Client client(server->port());
  ASSERT_TRUE(client.send(post("")));
  while (server->stats().requests == 0 || server->stats().connections > 0) std::this_thread::yield();
}

TEST(HttpServer, AnswersForAHandlerThatForgot) {
  HttpServerOptions options = small();
  options.handler_timeout = milliseconds(60);
  std::optional<Responder> late;
  const auto server = serve([&](const Request&, const Responder& responder) { late = responder; }, options);
  Client client(server->port());
  ASSERT_TRUE(client.send(post("")));
  EXPECT_EQ(client.read_answer().status(), 500);
  late->answer(text_response("too late"));
  EXPECT_EQ(client.read_to_end(), "");
}

TEST(HttpServer, IgnoresASecondAnswerAlsoWhenItComesDuringTheNextRequest) {
  std::optional<Responder> earlier;
  const auto server = serve([&](const Request& request, const Responder& responder) {
    if (earlier) earlier->answer(text_response("wrong"));
    responder.answer(text_response(std::string(request.body)));
    responder.answer(text_response("wrong"));
    earlier = responder;
  });
  Client client(server->port());
  for (const char* text : {"one", "two", "three"}) {
    ASSERT_TRUE(client.send(post(text)));
    EXPECT_EQ(client.read_answer().body, text);
  }
}

TEST(HttpServer, SpeaksToOldClientsAndToThoseWhoAreDone) {
  const auto server = serve();
  Client old(server->port());
  old.send("GET /a HTTP/1.0\r\n\r\n");
  EXPECT_NE(old.read_to_end().find("GET /a "), std::string::npos);
  Client kept(server->port());
  kept.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_NE(kept.read_answer().head.find("Connection: keep-alive"), std::string::npos);
  Client done(server->port());
  done.send("GET /a HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_NE(done.read_to_end().find("Connection: close"), std::string::npos);
}

TEST(HttpServer, SendsNoBodyForHeadAnd204) {
  const auto server = serve([](const Request& request, const Responder& responder) {
    Response response = text_response("body");
    if (request.path == "/none") response = {.status = 204, .content_type = {}, .header_lines = {}, .body = {}};
    responder.answer(std::move(response));
  });
  Client client(server->port());
  client.send("HEAD / HTTP/1.1\r\n\r\nGET /none HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n");
  EXPECT_NE(client.read_answer(false).head.find("Content-Length: 4"), std::string::npos);
  EXPECT_EQ(client.read_answer().head.find("Content-Length"), std::string::npos);
  EXPECT_EQ(client.read_answer().body, "body");
}

TEST(HttpServer, SendsLargeAndSharedBodiesWhole) {
  const auto shared = std::make_shared<const std::string>(5'000'000, 's');
  const auto server = serve([&](const Request&, const Responder& responder) {
    Response response;
    response.body = shared;
    responder.answer(std::move(response));
  });
  Client client(server->port());
  for (int i = 0; i < 3; ++i) {
    client.send(post(""));
    EXPECT_EQ(client.read_answer().body, *shared);
  }
}

TEST(HttpServer, StreamsWhatIsPushedAndTellsWhenTheClientIsGone) {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Stream> stream;
  const auto server = serve([&](const Request&, const Responder& responder) {
    Response head;
    head.content_type = "text/event-stream";
    head.body = std::string(": hello\n\n");
    const std::lock_guard lock(mutex);
    stream = responder.start_stream(std::move(head));
    changed.notify_all();
  });
  auto client = std::make_unique<Client>(server->port());
  client->send("GET /live HTTP/1.1\r\nHost: h\r\n\r\n");
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return stream.has_value(); });
  }
  EXPECT_NE(client->read_until("9\r\n: hello\n\n\r\n").find("Transfer-Encoding: chunked"), std::string::npos);
  EXPECT_EQ(stream->push("data: 1\n\n"), Pushed::queued);
  EXPECT_EQ(client->read_until("data: 1\n\n\r\n"), "9\r\ndata: 1\n\n\r\n");
  // A reader that does not read is told apart before memory grows.
  Pushed last = Pushed::queued;
  while (last == Pushed::queued) last = stream->push(std::string(100'000, 'x'));
  EXPECT_EQ(last, Pushed::full);
  client.reset();
  while (stream->push("x") != Pushed::closed) std::this_thread::yield();
}

TEST(HttpServer, EndsAStreamAfterWhatWasQueued) {
  const auto server = serve([&](const Request&, const Responder& responder) {
    Stream stream = responder.start_stream(Response{});
    stream.push("one");
    stream.close();
    EXPECT_EQ(stream.push("two"), Pushed::closed);
  });
  Client client(server->port());
  client.send("GET /live HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_NE(client.read_to_end().find("\r\n\r\n3\r\none\r\n0\r\n\r\n"), std::string::npos);
}

TEST(HttpServer, DrainsByAnsweringWhatIsUnderWay) {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Responder> waiting;
  auto server = serve([&](const Request&, const Responder& responder) {
    const std::lock_guard lock(mutex);
    waiting = responder;
    changed.notify_all();
  });
  Client idle(server->port());
  Client busy(server->port());
  ASSERT_TRUE(busy.send(post("")));
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return waiting.has_value(); });
  }
  std::jthread draining([&] { server->drain(seconds(60)); });
  EXPECT_EQ(idle.read_to_end(), "");
  waiting->answer(text_response("done"));
  const std::string text = busy.read_to_end();
  EXPECT_NE(text.find("Connection: close"), std::string::npos);
  EXPECT_NE(text.find("done"), std::string::npos);
  draining.join();
  EXPECT_EQ(server->stats().connections, 0U);
}

TEST(HttpServer, GivesUpDrainingWhenPatienceEnds) {
  std::optional<Responder> never;
  auto server = serve([&](const Request&, const Responder& responder) { never = responder; });
  Client client(server->port());
  ASSERT_TRUE(client.send(post("")));
  while (server->stats().requests == 0) std::this_thread::yield();
  server->drain(milliseconds(20));
  EXPECT_EQ(client.read_answer().status(), 503);
  server.reset();
  never->answer(text_response("after the server's end"));
}

TEST(HttpServer, AcceptsAgainWhenThereIsRoom) {
  HttpServerOptions options = small();
  options.connections_max = 2;
  options.threads = 2;
  const auto server = serve(describe, options);
  auto first = std::make_unique<Client>(server->port());
  Client second(server->port());
  first->send(post("a"));
  EXPECT_EQ(first->read_answer().status(), 200);
  second.send(post("b"));
  EXPECT_EQ(second.read_answer().status(), 200);
  Client third(server->port());
  third.send(post("c"));
  first.reset();
  EXPECT_EQ(third.read_answer().body, "POST /p c");
}

TEST(HttpServer, SaysWhyItCannotListen) {
  const auto server = serve();
  HttpServerOptions options = small();
  options.port = server->port();
  auto second = HttpServer::start(options, describe);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ServerErrc::address_in_use);
  options.address = "nowhere";
  auto third = HttpServer::start(options, describe);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, ServerErrc::address_malformed);
}

}  // namespace
}  // namespace terreno::http
