/** The owner of the machine on a docker daemon. Several users may share a daemon, so the machine's network has a label with its owner. */
import { existsSync } from "node:fs";
import { network } from "../../toolchain/places";
import type { Docker } from "./docker";
import { secret, secretFile } from "./secrets";

const label = "sms-machine.owner";

/** `own`: the network has this user's label. `foreign`: it has another label or none. `none`: there is no network. */
export async function machineOn(docker: Docker): Promise<"none" | "own" | "foreign"> {
    if (!(await docker.succeeds("network", "inspect", network))) {
        return "none";
    }
    const owner = await docker.run("network", "inspect", "--format", `{{index .Labels "${label}"}}`, network);
    return existsSync(secretFile("owner")) && owner === secret("owner") ? "own" : "foreign";
}

/** Creates the network of the node and the registry, with this user's label. It is created first and removed last. */
export async function ensureNetwork(docker: Docker): Promise<void> {
    if ((await machineOn(docker)) === "none") {
        await docker.run("network", "create", "--driver", "bridge", "--label", `${label}=${secret("owner")}`, network);
    }
}
