import { isIPv4 } from "node:net";
import { Refusal } from "./refusal";

/** An IPv4 network: its first address as a number, and its prefix length. */
interface Network {
    readonly first: number;
    readonly bits: number;
}

const numberOf = (address: string) => address.split(".").reduce((total, part) => total * 256 + Number(part), 0);

/** Parses a CIDR such as `10.0.0.0/8`. A single address is a network of one. Undefined if the text is invalid. */
export function network(text: string): Network | undefined {
    const [address = "", bits = "32"] = text.split("/");
    if (!isIPv4(address) || !/^\d{1,2}$/.test(bits) || Number(bits) > 32 || text.split("/").length > 2) {
        return undefined;
    }
    const size = 2 ** (32 - Number(bits));
    return { first: Math.floor(numberOf(address) / size) * size, bits: Number(bits) };
}

const sizeOf = ({ bits }: Network) => 2 ** (32 - bits);

export function contains(outer: Network, inner: Network): boolean {
    return outer.first <= inner.first && inner.first + sizeOf(inner) <= outer.first + sizeOf(outer);
}

export function overlap(a: Network, b: Network): boolean {
    return contains(a, b) || contains(b, a);
}

/** The network's host addresses, the last first, because routers often have the first ones. */
export function* addressesIn(cidr: string): Generator<string> {
    const { first, bits } = network(cidr) as Network;
    for (let number = first + 2 ** (32 - bits) - 2; number > first; number--) {
        yield [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
    }
}

/** Throws a Refusal if the whitelist is invalid. Both stores' APIs have the same rule. */
export function refuseBadWhitelist(entries: readonly string[]): void {
    const bad = entries.filter((entry) => network(entry) === undefined);
    if (bad.length > 0) {
        throw new Refusal(
            "InvalidSecurityIPList.Format",
            `The security IP list has entries that are no address and no CIDR: ${bad.join(", ")}.`,
        );
    }
    if (entries.length > 1000) {
        throw new Refusal("InvalidSecurityIPListLength.Malformed", "The security IP list has more than 1000 entries.");
    }
}
