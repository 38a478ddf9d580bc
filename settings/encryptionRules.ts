/** Rules for encrypted connections to the stores. */
import type { Authority } from "./pem";
import { keyOf } from "./problems";
import { type Environment, isProduction } from "./production";
import { type Checked, type RuleBetween, refusal } from "./rules";

interface Store {
    kind: string;
    tls?: boolean;
}

export interface Encryption extends Environment {
    redis: Store;
    mongo: Store;
    storesCa?: Authority;
}

export const encryptionRules: RuleBetween<Encryption>[] = [
    { rule: certificatesCanBeChecked, blocks: ["environment", "production", "redis", "mongo"] },
];

/**
 * Whether connections to a store on Alibaba Cloud use TLS. The default is true in production, and otherwise undefined: the program sets
 * nothing.
 */
export function encrypts({ tls }: Pick<Store, "tls">, where: Partial<Environment>): boolean | undefined {
    return tls ?? (isProduction(where) ? true : undefined);
}

/** Alibaba Cloud signs the stores' certificates with its own CA, which no image contains. */
function certificatesCanBeChecked({ value: { environment, production, storesCa, ...stores }, issues }: Checked<Encryption>) {
    for (const name of ["redis", "mongo"] as const) {
        const { kind, tls } = stores[name];
        if (storesCa === undefined && kind === "managed" && encrypts({ tls }, { environment, production })) {
            const allowed = `Alibaba Cloud's CA chain in a PEM file, as sms:${name}.tls is true${tls ? "" : " by default in production"}; or ${keyOf([name, "tls"])} false`;
            issues.push(refusal(["storesCa", "file"], undefined, allowed, "certificates/apsaradb.pem"));
            return;
        }
    }
}

export function authorityIsGivenOnce({ value: { text, file }, issues }: Checked<Authority>) {
    if (text !== undefined && file !== undefined) {
        issues.push(refusal(["text"], text, "left out, as file is given"));
    }
    if (text === undefined && file === undefined) {
        issues.push(refusal(["file"], undefined, "the path of a PEM file, or text with its contents", "certificates/apsaradb.pem"));
    }
}
