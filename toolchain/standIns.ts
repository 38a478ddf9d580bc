import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { clone } from "./places";

/** The folders of the stand-ins, by plugin name. Nothing that ships imports them. The engine starts them. */
export const standIns = { alicloud: "lab/rehearsal/alicloud-provider", docker: "lab/machine/docker-provider" } as const;

/** Writes a command that starts the stand-in into a plugin's folder. */
export function writeStandIn(folder: string, name: keyof typeof standIns): void {
    const main = join(clone, standIns[name], "main.ts");
    writeFileSync(join(folder, `pulumi-resource-${name}`), `#!/bin/sh\nexec node -r '${join(clone, "register.cjs")}' '${main}' "$@"\n`, {
        mode: 0o755,
    });
}
