import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { writeWhole } from "../files";
import type { Value } from "../provider/values";
import { contains, network } from "./addresses";
import type { Cloud, Holding } from "./cloud";
import type { Place } from "./sites";

/** What both kinds of stores have: a place, a whitelist and a folder. */
export const redisType = "alicloud:kvstore/instance:Instance";
export const mongoType = "alicloud:mongodb/instance:Instance";

const instances = (cloud: Cloud) => [...cloud.all(redisType), ...cloud.all(mongoType)];

export const placeOf = ({ inner }: Holding) => inner.place as unknown as Place;

/** A free place for a new instance. */
export function findPlace(cloud: Cloud, port: number, { cidrBlock }: { cidrBlock: string }): Promise<Place> {
    return cloud.site.place(port, cidrBlock, instances(cloud).map(placeOf));
}

/** Nobody's whitelist is the instance's own host alone, as in the cloud. */
const nobody: readonly string[] = ["127.0.0.1"];

/** The pods' addresses in the cloud are others than here: whoever lets those in lets these in. */
function asHere({ given }: Cloud, entry: string): string[] {
    const [admitted, pods] = [entry, given.pods?.there ?? ""].map(network);
    return admitted !== undefined && pods !== undefined && contains(admitted, pods) ? [entry, given.pods?.here as string] : [entry];
}

/** Puts every instance's whitelist into force. */
export function admitAll(cloud: Cloud): Promise<void> {
    const admissions = instances(cloud).map((holding) => {
        const whitelist = holding.inputs[holding.type === redisType ? "securityIps" : "securityIpLists"];
        const from = ((whitelist as Value[] as string[] | undefined) ?? nobody).flatMap((entry) => asHere(cloud, entry));
        return { place: placeOf(holding), from };
    });
    return cloud.site.admit(admissions);
}

/** The instance's folder; only we look into it. */
export function ensureFolder(cloud: Cloud, holding: Holding): string {
    const folder = cloud.dataOf(holding);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return folder;
}

/** With which the cloud itself, and nobody else, looks after the instance. */
export function ownPassword(folder: string): string {
    const file = join(folder, "own-password");
    if (!existsSync(file)) {
        writeWhole(file, randomBytes(24).toString("base64url"));
    }
    return readFileSync(file, "utf8");
}

/** The certificate authority that the stores' certificates are signed with, as a file that clients can be given. */
export const authorityFile = (cloud: Pick<Cloud, "folder">) => join(cloud.folder, "ca.pem");

const openssl = (...args: string[]) => execa("openssl", args);
const tenYears = "3650";

/** Gives the authority's key. */
export async function ensureAuthority(cloud: Cloud): Promise<string> {
    const key = join(cloud.folder, "ca.key");
    await cloud.inTurn(async () => {
        if (!existsSync(authorityFile(cloud))) {
            await openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key);
            await openssl(
                "req",
                "-x509",
                "-new",
                "-key",
                key,
                "-days",
                tenYears,
                "-subj",
                "/CN=ApsaraDB rehearsal",
                "-out",
                authorityFile(cloud),
            );
        }
    });
    return key;
}

/** A certificate for the instance's names and its address. */
export async function ensureCertificate(cloud: Cloud, folder: string, names: readonly string[], { address }: Place) {
    const [key, request, certificate, extensions] = ["tls.key", "tls.csr", "tls.pem", "tls.ext"].map((name) => join(folder, name)) as [
        string,
        string,
        string,
        string,
    ];
    if (!existsSync(certificate)) {
        const authorityKey = await ensureAuthority(cloud);
        const alternatives = [...new Set(names)].flatMap((name) => (name === address ? [] : [`DNS:${name}`]));
        writeWhole(extensions, `subjectAltName=${[...alternatives, `IP:${address}`].join(",")}\n`);
        await openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key);
        await openssl("req", "-new", "-key", key, "-subj", `/CN=${address}`, "-out", request);
        const signing = ["-CA", authorityFile(cloud), "-CAkey", authorityKey, "-CAcreateserial", "-days", tenYears, "-extfile", extensions];
        await openssl("x509", "-req", "-in", request, ...signing, "-out", certificate);
    }
    return { key, certificate };
}
