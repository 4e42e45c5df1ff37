/**
 * Addresses that only mean something inside a machine, a site or a cluster: those behind which services believe whoever
 * reaches them.
 *
 * A server on the internet may redirect a download to wherever it likes. What it could not reach itself it must not
 * reach through us.
 */
import { BlockList, isIP } from "node:net";

const IPV4: readonly (readonly [address: string, prefix: number])[] = [
  ["0.0.0.0", 8], // this network
  ["10.0.0.0", 8],
  ["100.64.0.0", 10], // shared by a carrier's customers, and by some clouds' own services
  ["127.0.0.0", 8],
  ["168.63.129.16", 32], // what Azure has on every machine, in spite of its number
  ["169.254.0.0", 16], // link-local: clouds' metadata
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24], // documentation
  ["192.88.99.0", 24], // 6to4
  ["192.168.0.0", 16],
  ["198.18.0.0", 15], // laboratories
  ["198.51.100.0", 24], // documentation
  ["203.0.113.0", 24],
  ["224.0.0.0", 4], // multicast
  ["240.0.0.0", 4], // reserved, broadcast
];

const IPV6: readonly (readonly [address: string, prefix: number])[] = [
  ["::", 96], // unspecified, loopback, and IPv4 in its oldest form
  ["::ffff:0:0:0", 96], // IPv4 that a translator takes apart again
  ["64:ff9b:1::", 48], // translation within a site
  ["100::", 64], // discarded
  ["2001::", 32], // Teredo
  ["2001:db8::", 32], // documentation
  ["2002::", 16], // 6to4
  ["3fff::", 20], // documentation
  ["5f00::", 16], // routers of a site
  ["fc00::", 7],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8],
];

/** Where IPv6-only networks have the internet's IPv4. */
const TRANSLATED = "64:ff9b::";

const blocked = new BlockList();
for (const [address, prefix] of IPV4) {
  blocked.addSubnet(address, prefix, "ipv4");
  blocked.addSubnet(`${TRANSLATED}${address}`, 96 + prefix, "ipv6");
}
for (const [address, prefix] of IPV6) blocked.addSubnet(address, prefix, "ipv6");

/** False for what is no address. */
export function isPrivateAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  const [plain = ""] = address.split("%");
  return blocked.check(plain, family === 4 ? "ipv4" : "ipv6");
}
