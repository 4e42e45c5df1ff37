import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { countGateways, shareOf } from "./gateway-count.ts";

const at = (...addresses: readonly string[]) =>
  addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));

test("there are as many replicas as the name has addresses, and one where nobody says more", async () => {
  let found = at("10.0.0.1", "10.0.0.2", "10.0.0.3");
  using gateways = countGateways(["http://peers.example:8080"], async () => found);
  assert.equal(gateways.current(), 1);
  await gateways.refresh();
  assert.equal(gateways.current(), 3);
  found = at();
  await gateways.refresh();
  assert.equal(gateways.current(), 1);
  using alone = countGateways([]);
  await alone.refresh();
  assert.equal(alone.current(), 1);
});

test("a replica with an address of each family counts once", async () => {
  const found = at("10.0.0.1", "fd00::1", "10.0.0.2", "fd00::2");
  using gateways = countGateways(["http://peers.example"], async () => found);
  await gateways.refresh();
  assert.equal(gateways.current(), 2);
});

test("a name server that is away takes nobody away", async () => {
  let isAway = false;
  using gateways = countGateways(["http://peers.example"], async () => {
    if (isAway) throw new Error("ENOTFOUND");
    return at("10.0.0.1", "10.0.0.2");
  });
  await gateways.refresh();
  isAway = true;
  await gateways.refresh();
  assert.equal(gateways.current(), 2);
});

test("shares together are the limit, and less than one more for each replica", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 1, max: 100 }), (limit, n) => {
      const together = shareOf(limit, n) * n;
      assert.ok(shareOf(limit, n) >= 1 && together >= limit && together < limit + n);
    }),
  );
});
