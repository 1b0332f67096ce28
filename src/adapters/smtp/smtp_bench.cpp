// What the channel alone carries: 10-KB messages from SmtpPool into the sink, over loopback, both in this process; the
// pool's thread and the sink's have a core each on the reference machine. `sink_cpu_us` and `client_cpu_us` (the pool
// and who submits) are microseconds of CPU a message: on a busy machine they say more than the rate. Beside it the same
// with 20 ms before each of the sink's answers, where round trips are the limit: a message takes one, so that N
// connections carry at most N / 20 ms.

#include <benchmark/benchmark.h>

#include <atomic>
#include <condition_variable>
#include <ctime>
#include <mutex>

#include "adapters/crypto/crypto.h"
#include "adapters/smtp/sink.h"
#include "adapters/smtp/smtp.h"

namespace terreno::smtp {
namespace {

int64_t process_cpu_us() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec * 1'000'000 + now.tv_nsec / 1000;
}

void send_all(benchmark::State& state, SinkSettings sink_settings, SmtpSettings settings, uint64_t count) {
  crypto::SystemRandom random;
  std::string data = "Subject: x\r\n\r\n";
  while (data.size() < 10'000) data += "A line of seventy characters, as quoted-printable would have written it=\r\n";
  const auto shared = std::make_shared<const std::string>(std::move(data));
  for (auto _ : state) {
    const int64_t cpu_before = process_cpu_us();
    const auto sink = std::move(*Sink::start(sink_settings));
    settings.host = "127.0.0.1";
    settings.port = sink->port();
    const auto pool = std::move(*SmtpPool::create(settings, random));
    std::mutex mutex;
    std::condition_variable room;
    uint64_t outstanding = 0;
    std::atomic<uint64_t> sent{0};
    for (uint64_t i = 0; i < count; ++i) {
      {
        std::unique_lock lock(mutex);
        room.wait(lock, [&] { return outstanding < 4000; });
        ++outstanding;
      }
      Envelope one;
      one.attempt = {1, i};
      one.from = "bounce+1@example.org";
      one.to = "user@example.org";
      one.data = shared;
      (void)pool->submit(std::move(one), [&](const Outcome& outcome) {
        if (outcome.kind == OutcomeKind::sent) sent.fetch_add(1);
        const std::lock_guard lock(mutex);
        // Woken in batches: one wake-up a message would measure the mutex.
        if (--outstanding == 2000 || outstanding == 0) room.notify_one();
      });
    }
    {
      std::unique_lock lock(mutex);
      room.wait(lock, [&] { return outstanding == 0; });
    }
    pool->stop(seconds(5));
    if (sent != count || sink->counters().messages != count) state.SkipWithError("messages were lost");
    const auto sink_cpu = static_cast<double>(sink->counters().cpu_us);
    state.counters["sink_cpu_us"] = sink_cpu / static_cast<double>(count);
    state.counters["client_cpu_us"] =
        (static_cast<double>(process_cpu_us() - cpu_before) - sink_cpu) / static_cast<double>(count);
  }
  state.SetItemsProcessed(static_cast<int64_t>(count) * state.iterations());
}

void TenKilobytes(benchmark::State& state) {
  SmtpSettings settings;
  settings.connections_max = static_cast<uint32_t>(state.range(0));
  settings.connections_transactional = 0;
  send_all(state, {}, settings, 100'000);
}
BENCHMARK(TenKilobytes)
    ->ArgName("connections")
    ->Arg(4)
    ->Arg(16)
    ->Arg(50)
    ->UseRealTime()
    ->Iterations(3)
    ->Unit(benchmark::kMillisecond);

void SlowAnswers(benchmark::State& state) {
  SinkSettings sink;
  sink.reply_delay = milliseconds(20);
  SmtpSettings settings;
  settings.connections_max = 50;
  settings.connections_transactional = 0;
  send_all(state, sink, settings, 10'000);
}
BENCHMARK(SlowAnswers)->UseRealTime()->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace terreno::smtp
