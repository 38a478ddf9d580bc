/** `npm run schema`. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { exitCode, script, start } from "../cli/command";
import { stackFileSchema } from "../settings/stackFileSchema";
import { clone } from "../toolchain/places";

async function writeSchema(): Promise<number> {
    const file = join(clone, "settings", "stack-file.schema.json");
    writeFileSync(file, `${JSON.stringify(stackFileSchema(), undefined, 4)}\n`);
    await execa("biome", ["format", "--write", file], { preferLocal: true, localDir: clone });
    return 0;
}

start(script("schema", "Writes settings/stack-file.schema.json from the settings.").action(exitCode(writeSchema)));
