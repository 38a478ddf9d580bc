import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { writeWhole } from "../../machine/files";
import type { Value } from "../../machine/provider/values";
import { contains, network } from "./addresses";
import type { Cloud, Holding } from "./cloud";
import { Refusal } from "./refusal";
import type { Place } from "./sites";

/** The stores' types. Both have a place, a whitelist and a folder. */
export const redisType = "alicloud:kvstore/instance:Instance";
export const mongoType = "alicloud:mongodb/instance:Instance";

const instances = (cloud: Cloud) => [...cloud.all(redisType), ...cloud.all(mongoType)];

export const placeOf = ({ inner }: Holding) => inner.place as unknown as Place;

/** Throws a Refusal if the instance is not ready yet, or is busy. */
export function refuseBusy(cloud: Cloud, { id, type, status }: Holding, code: string): void {
    const now = cloud.troubleWith(type).isBusy ? "Changing" : status;
    if (now !== "Normal") {
        throw new Refusal(code, `The instance ${id} is ${now}.`);
    }
}

/** A free place for a new instance. */
export function findPlace(cloud: Cloud, port: number, { cidrBlock }: { cidrBlock: string }): Promise<Place> {
    return cloud.site.place(port, cidrBlock, instances(cloud).map(placeOf));
}

/** The default whitelist. As in the cloud, it allows only the instance's own host. */
const nobody: readonly string[] = ["127.0.0.1"];

/** Translates a whitelist entry. If it contains the pods' addresses in the cloud, it also allows the pods' addresses on this machine. */
function asHere({ given }: Cloud, entry: string): string[] {
    const [admitted, pods] = [entry, given.pods?.there ?? ""].map(network);
    return admitted !== undefined && pods !== undefined && contains(admitted, pods) ? [entry, given.pods?.here as string] : [entry];
}

/** Applies all instances' whitelists. */
export function admitAll(cloud: Cloud): Promise<void> {
    const admissions = instances(cloud).map((holding) => {
        const whitelist = holding.inputs[holding.type === redisType ? "securityIps" : "securityIpLists"];
        const from = ((whitelist as Value[] as string[] | undefined) ?? nobody).flatMap((entry) => asHere(cloud, entry));
        return { place: placeOf(holding), from };
    });
    return cloud.site.admit(admissions);
}

/** Creates the instance's folder. Only the current user can read it. */
export function ensureFolder(cloud: Cloud, holding: Holding): string {
    const folder = cloud.dataOf(holding);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return folder;
}

/** The password of the cloud's own user, which administers the instance. It is generated at its first use. */
export function ownPassword(folder: string): string {
    const file = join(folder, "own-password");
    if (!existsSync(file)) {
        writeWhole(file, randomBytes(24).toString("base64url"));
    }
    return readFileSync(file, "utf8");
}

/** The CA certificate that signs the stores' certificates. Clients get this file. */
export const authorityFile = (cloud: Pick<Cloud, "folder">) => join(cloud.folder, "ca.pem");

const openssl = (...args: string[]) => execa("openssl", args);
const tenYears = "3650";

/** Creates the certificate authority if it does not exist. Returns the path of its key. */
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

/** Creates a certificate for the instance's names and its address. Returns the paths of the key and the certificate. */
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
