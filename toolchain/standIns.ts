import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { clone } from "./places";

/** The folders of the stand-ins, by plugin name. Nothing that ships imports them. The engine starts them. */
export const standIns = { alicloud: "lab/rehearsal/alicloud-provider", docker: "lab/machine/docker-provider" } as const;

/** Writes a command that starts the stand-in into a plugin's folder. `root` is the clone that has the stand-in, in the shell's notation. */
export function writeStandIn(folder: string, name: keyof typeof standIns, root = `'${clone}'`): void {
    const command = `exec node -r ${root}/register.cjs ${root}/${standIns[name]}/main.ts "$@"`;
    writeFileSync(join(folder, `pulumi-resource-${name}`), `#!/bin/sh\n${command}\n`, { mode: 0o755 });
}
