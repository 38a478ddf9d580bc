/** The first and the last address, as numbers. */
interface Range {
    first: number;
    last: number;
    prefix: number;
}

/** `10.1.0.0/16` as a range, or undefined if it isn't one. `10.1.2.3/16` isn't a range, because its host part isn't zero. */
export function range(cidr: string): Range | undefined {
    const [, address = "", prefixText] = /^(\d{1,3}(?:\.\d{1,3}){3})\/(\d{1,2})$/.exec(cidr) ?? [];
    const octets = address.split(".").map(Number);
    const prefix = Number(prefixText);
    const first = octets.reduce((sum, octet) => sum * 256 + octet, 0);
    const size = 2 ** (32 - prefix);
    const isRange = octets.every((octet) => octet <= 255) && prefix <= 32 && first % size === 0;
    return isRange ? { first, last: first + size - 1, prefix } : undefined;
}

export function overlap(a: string, b: string): boolean {
    const [one, other] = [range(a), range(b)];
    return one !== undefined && other !== undefined && one.first <= other.last && other.first <= one.last;
}

export function contains(outer: string, inner: string): boolean {
    const [out, within] = [range(outer), range(inner)];
    return out !== undefined && within !== undefined && out.first <= within.first && within.last <= out.last;
}

/** The first network within `outer` that is as large as `like`. */
export function networkIn(outer: string, like: string): string {
    return written(range(outer)?.first ?? 0, like);
}

/** The next network after `other` that is as large as `like`. */
export function networkAfter(other: string, like: string): string {
    return written((range(other)?.last ?? 0) + 1, like);
}

function written(from: number, like: string) {
    const prefix = range(like)?.prefix ?? 32;
    const size = 2 ** (32 - prefix);
    const first = Math.ceil(from / size) * size;
    return `${[24, 16, 8, 0].map((bits) => Math.floor(first / 2 ** bits) % 256).join(".")}/${prefix}`;
}
