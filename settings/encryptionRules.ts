/** What must hold where the way to a store is encrypted. */
import type { Authority } from "./pem";
import { keyOf } from "./problems";
import { type Checked, type RuleBetween, refusal } from "./rules";

interface Store {
    kind: string;
    tls?: boolean;
}

export interface Encryption {
    environment: string;
    redis: Store;
    mongo: Store;
    storesCa?: Authority;
}

export const encryptionRules: RuleBetween<Encryption>[] = [{ rule: certificatesCanBeChecked, blocks: ["environment", "redis", "mongo"] }];

/** Whether the way to a store on Alibaba Cloud is encrypted; undefined where the cloud is told nothing. Online it is by default. */
export function encrypts({ tls }: Pick<Store, "tls">, environment: string): boolean | undefined {
    return tls ?? (environment === "online" ? true : undefined);
}

/** Alibaba Cloud signs the stores' certificates itself: no image knows its authority. */
function certificatesCanBeChecked({ value: { environment, storesCa, ...stores }, issues }: Checked<Encryption>) {
    for (const name of ["redis", "mongo"] as const) {
        const { kind, tls } = stores[name];
        if (storesCa === undefined && kind === "managed" && encrypts({ tls }, environment)) {
            const allowed = `Alibaba Cloud's CA chain in a PEM file, as sms:${name}.tls is true${tls ? "" : " by default online"}; or ${keyOf([name, "tls"])} false`;
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
