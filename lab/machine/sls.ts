import { join } from "node:path";
import { execa } from "execa";
import { built } from "../../toolchain/goModules";
import { cache } from "../../toolchain/places";

/** The arguments of the stand-in for Simple Log Service (SLS). toolchain/modules/sls documents them. */
export interface SlsEnd {
    /** Address and port. SLS itself uses port 10011 in the intranet and 10012 outside. */
    listen: string;
    /** The folder with the projects. Each logstore is a file, `PROJECT/STORE.jsonl`. */
    logs: string;
    /** The file with the access keys: a JSON object that maps ids to secrets. */
    keys: string;
}

/** In the cache, because the collector's image contains the certificate. */
const authority = join(cache, "sls-authority");

/** The path of the stand-in's CA certificate. It is created at its first use, and is valid only for SLS's names. */
export async function slsAuthority(): Promise<string> {
    await execa(join(await built("sls"), "sls"), ["authority", "--folder", authority]);
    return join(authority, "ca.crt");
}

/** The command that runs the stand-in. */
export async function slsCommand({ listen, logs, keys }: SlsEnd): Promise<{ command: string; args: string[] }> {
    await slsAuthority();
    return {
        command: join(await built("sls"), "sls"),
        args: ["serve", "--listen", listen, "--authority", authority, "--logs", logs, "--keys", keys],
    };
}
