import { join } from "node:path";
import { execa } from "execa";
import { cache } from "./places";
import { built } from "./toolchain";

/** The end that stands in for Simple Log Service: where it listens and what it serves. machine/toolchain/sls has the words. */
export interface SlsEnd {
    /** Address and port. SLS itself has 10011 in the intranet and 10012 outside. */
    listen: string;
    /** The folder with the projects; each logstore is a file in it, `PROJECT/STORE.jsonl`. */
    logs: string;
    /** The file with the access keys: a JSON object, id to secret. */
    keys: string;
}

/** Kept with the builds, as it is part of the collector's image. */
const authority = join(cache, "sls-authority");

/** The certificate of the authority that signs for the end, made at its first use; it holds for SLS's names alone. */
export async function slsAuthority(): Promise<string> {
    await execa(join(await built("sls"), "sls"), ["authority", "--folder", authority]);
    return join(authority, "ca.crt");
}

/** What runs the end. */
export async function slsCommand({ listen, logs, keys }: SlsEnd): Promise<{ command: string; args: string[] }> {
    await slsAuthority();
    return {
        command: join(await built("sls"), "sls"),
        args: ["serve", "--listen", listen, "--authority", authority, "--logs", logs, "--keys", keys],
    };
}
