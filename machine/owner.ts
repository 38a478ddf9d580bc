/** One docker daemon may serve several users: the machine's network says whose the machine on it is. */
import { existsSync } from "node:fs";
import type { Docker } from "./docker";
import { network } from "./places";
import { secret, secretFile } from "./secrets";

const label = "sms-machine.owner";

/** `own` has this user's mark, `foreign` somebody else's or none. */
export async function machineOn(docker: Docker): Promise<"none" | "own" | "foreign"> {
    if (!(await docker.succeeds("network", "inspect", network))) {
        return "none";
    }
    const owner = await docker.run("network", "inspect", "--format", `{{index .Labels "${label}"}}`, network);
    return existsSync(secretFile("owner")) && owner === secret("owner") ? "own" : "foreign";
}

/** The network of the node and the registry, with this user's mark: made before all else, removed after it. */
export async function ensureNetwork(docker: Docker): Promise<void> {
    if ((await machineOn(docker)) === "none") {
        await docker.run("network", "create", "--driver", "bridge", "--label", `${label}=${secret("owner")}`, network);
    }
}
