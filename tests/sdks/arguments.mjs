// The arguments that every script takes.
import { parseArgs } from "node:util";

export function readArguments(more = {}) {
  const { values } = parseArgs({
    options: { url: { type: "string" }, "write-key": { type: "string" }, run: { type: "string" }, ...more },
  });
  if (!values.url || !values["write-key"]) {
    console.error("usage: node SCRIPT --url http://HOST:PORT --write-key KEY [--run NAME]");
    process.exit(64);
  }
  // Makes the events of this run recognisable, so that a test may run twice against one server.
  return { ...values, url: values.url.replace(/\/+$/, ""), writeKey: values["write-key"], run: values.run ?? "1" };
}
