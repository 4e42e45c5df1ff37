import assert from "node:assert/strict";
import { test } from "node:test";
import { attackedApi, bearer } from "../support/attacked-api.ts";
import { COSTLY_BODIES, packed } from "../support/costly-bodies.ts";

for (const body of COSTLY_BODIES) {
  const end = body.refusedAs === undefined ? "is passed on" : "is refused by name";
  test(`a small request of ${body.name} ${end}, and others are served meanwhile`, async (t) => {
    const { api, ask, requests } = await attackedApi(t, { keys: { costly: {}, alice: {} } });
    const attacks = [1, 2, 3].map(() =>
      fetch(`${api.url}/v1/chat/completions`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "content-encoding": "gzip",
          ...bearer("costly"),
        },
        body: packed(body),
      }),
    );
    for (let count = 0; count < 5; count++) assert.equal((await ask("alice")).status, 200);
    for (const response of await Promise.all(attacks)) {
      const text = await response.text();
      assert.equal(response.status, body.refusedAs === undefined ? 200 : 400, text);
      if (body.refusedAs !== undefined) assert.match(text, body.refusedAs);
    }
    assert.equal(requests(), body.refusedAs === undefined ? 8 : 5);
  });
}
