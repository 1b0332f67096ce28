// @segment/analytics-node: every call once, then close, which waits for delivery.
import { Analytics } from "@segment/analytics-node";
import { readArguments } from "./arguments.mjs";

const { url, writeKey, run } = readArguments();
const errors = [];
const sent = [];
const analytics = new Analytics({ writeKey, host: url, flushAt: 4, maxRetries: 3 });
analytics.on("error", (error) => errors.push(String(error.reason ?? error.code ?? error)));

const userId = `node-user-${run}`;
const anonymousId = `node-visitor-${run}`;
const send = (call) =>
  new Promise((resolve) => {
    call((error, context) => {
      if (error) errors.push(String(error));
      if (context) sent.push({ type: context.event.type, messageId: context.event.messageId });
      resolve();
    });
  });

await Promise.all([
  send((done) => analytics.identify({ userId, anonymousId, traits: { email: `node-${run}@example.org`, name: "Ana Núñez" } }, done)),
  send((done) => analytics.track({ userId, event: "Order Completed", properties: { total: 89.95, nested: { a: [1, null] } } }, done)),
  send((done) => analytics.page({ userId, name: "Home", properties: { url: "https://shop.example/" } }, done)),
  send((done) => analytics.screen({ userId, name: "Start" }, done)),
  send((done) => analytics.group({ userId, groupId: "members", traits: { size: 3 } }, done)),
  send((done) => analytics.alias({ userId, previousId: anonymousId }, done)),
]);
await analytics.closeAndFlush({ timeout: 20_000 });
console.log(JSON.stringify({ sdk: "analytics-node", sent, errors }));
process.exit(errors.length === 0 && sent.length === 6 ? 0 : 1);
