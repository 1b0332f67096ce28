// @segment/analytics-next in Chromium, on a page of another origin than the API.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { chromium } from "playwright-core";
import { readArguments } from "./arguments.mjs";

const { url, writeKey, run, batching, cdn } = readArguments({
  batching: { type: "boolean", default: false },
  cdn: { type: "boolean", default: false },
});
const host = new URL(url).host;

// The SDK's own browser build, and the parts that it loads on demand.
const package_ = dirname(createRequire(import.meta.url).resolve("@segment/analytics-next/package.json"));
const scripts = join(package_, "dist", "umd");
const pages = createServer(async (request, response) => {
  if (request.url === "/") {
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    response.end('<!doctype html><title>Shop</title><link rel="icon" href="data:,"><script src="/index.js"></script>');
    return;
  }
  try {
    const script = await readFile(join(scripts, basename(request.url)));
    response.setHeader("Content-Type", "text/javascript");
    response.end(script);
  } catch {
    response.statusCode = 404;
    response.end();
  }
});
await new Promise((resolve) => pages.listen(0, "127.0.0.1", resolve));

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage"],
});
const errors = [];
const answers = [];
let sent = [];
try {
  const page = await browser.newPage();
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("requestfailed", (request) => errors.push(`${request.url()}: ${request.failure()?.errorText}`));
  page.on("response", (response) => {
    const path = new URL(response.url());
    if (path.host === host) answers.push(`${response.request().method()} ${path.pathname} ${response.status()}`);
  });
  // localhost and 127.0.0.1 are different origins, as are the ports.
  await page.goto(`http://localhost:${pages.address().port}/`);
  sent = await page.evaluate(
    async ({ url, host, writeKey, run, batching, cdn }) => {
      const segment = {
        apiKey: writeKey,
        apiHost: `${host}/v1`,
        protocol: "http",
        ...(batching ? { deliveryStrategy: { strategy: "batching", config: { size: 3, timeout: 300 } } } : {}),
      };
      const settings = cdn ? { writeKey, cdnURL: url } : { writeKey, cdnSettings: { integrations: { "Segment.io": segment } } };
      const [analytics] = await window.AnalyticsNext.AnalyticsBrowser.load(settings);
      const contexts = [];
      contexts.push(await analytics.page("Home"));
      contexts.push(await analytics.track("Product Viewed", { sku: "a-1", price: 9.5 }));
      contexts.push(await analytics.identify(`web-user-${run}`, { email: `web-${run}@example.org`, name: "Ana Núñez" }));
      contexts.push(await analytics.group("members", { size: 3 }));
      contexts.push(await analytics.screen("Start"));
      contexts.push(await analytics.alias(`web-user-${run}-b`, `web-user-${run}`));
      return contexts.map(({ event }) => ({ type: event.type, messageId: event.messageId }));
    },
    { url, host, writeKey, run, batching, cdn },
  );
  // The SDK says nothing of a batch's end: what it posts is seen on the wire.
  const posts = () => answers.filter((answer) => answer.startsWith("POST")).length;
  for (let turn = 0; posts() < (batching ? 2 : 6) && turn < 200; ++turn) await page.waitForTimeout(50);
  if (posts() < (batching ? 2 : 6)) errors.push(`only ${posts()} requests were answered`);
} finally {
  await browser.close();
  pages.close();
}
for (const answer of answers) if (!/ (200|204)$/.test(answer)) errors.push(answer);
console.log(JSON.stringify({ sdk: "analytics-next", batching, cdn, sent, answers, errors }));
process.exit(errors.length === 0 && sent.length === 6 ? 0 : 1);
