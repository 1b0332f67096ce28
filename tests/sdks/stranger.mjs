// What a stranger would write: a sign-up on their own site, told to Terreno with the SDK, and what the person agreed to.
import { Analytics } from "@segment/analytics-node";

const { TERRENO_URL, WRITE_KEY, API_KEY, ADDRESS, USER, AGREES } = process.env;
if (AGREES === "yes") {
  const answer = await fetch(`${TERRENO_URL}/api/v1/consents`, {
    method: "POST",
    headers: { Authorization: `Bearer ${API_KEY}`, "Content-Type": "application/json" },
    body: JSON.stringify({
      channel: "email", address: ADDRESS, topic: "tips", purpose: "marketing", brand: "", action: "grant", method: "tick",
      occurred_at: new Date().toISOString(), text_version: "4f2a", country: "ES", actor: "person", explicit: true,
    }),
  });
  if (answer.status !== 201) throw new Error(`consents: ${answer.status} ${await answer.text()}`);
}
const analytics = new Analytics({ writeKey: WRITE_KEY, host: TERRENO_URL });
const errors = [];
analytics.on("error", (error) => errors.push(String(error.reason ?? error.code ?? error)));
analytics.identify({ userId: USER, traits: { email: ADDRESS, first_name: "Ana", country: "ES" } });
analytics.track({ userId: USER, event: "Signed Up", properties: { plan: "yearly" } });
await analytics.closeAndFlush({ timeout: 20_000 });
if (errors.length > 0) throw new Error(errors.join(", "));
