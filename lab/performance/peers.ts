import { existsSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";

/** Returns a peer's folder and installs its packages there. They are not dependencies of the project. */
export async function peer(name: string): Promise<string> {
    const folder = join(__dirname, "peers", name);
    if (!existsSync(join(folder, "node_modules"))) {
        await execa("npm", ["ci", "--no-audit", "--no-fund"], { cwd: folder });
    }
    return folder;
}
