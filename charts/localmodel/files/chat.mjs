// What `helm test` runs: asks for the models, and one of them for an answer. MODEL_URL is the API service's; MODEL
// and API_KEY may be empty. Without any model there is nothing to ask, and that is said.
const { MODEL_URL, MODEL, API_KEY, TIMEOUT_SECONDS } = process.env;

async function ask(path, body) {
  const response = await fetch(`${MODEL_URL}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: {
      "content-type": "application/json",
      ...(API_KEY ? { authorization: `Bearer ${API_KEY}` } : {}),
    },
    signal: AbortSignal.timeout(Number(TIMEOUT_SECONDS) * 1000),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

const say = (line) => process.stdout.write(`${line}\n`);

const { data } = await ask("/v1/models");
say(`models: ${data.map(({ id }) => id).join(", ") || "none"}`);
const model = MODEL || data[0]?.id;
if (model === undefined) {
  say("Nothing to ask: apply a LocalModel, and run this again.");
} else {
  const messages = [{ role: "user", content: "Say hello." }];
  const { choices, usage } = await ask("/v1/chat/completions", { model, messages, max_tokens: 16 });
  const answer = choices[0]?.message?.content;
  if (!answer) throw new Error(`${model} answered without text: ${JSON.stringify(choices)}`);
  say(`${model}: ${JSON.stringify(answer)} (${usage.completion_tokens} tokens)`);
}
