/** `npm run inputs`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { exitCode, script, start } from "../../../cli/command";
import { clone } from "../../../toolchain/places";
import { tableText } from "./tableText";

async function writeTable(): Promise<number> {
    writeFileSync(join(clone, "docs", "alicloud-inputs.md"), tableText());
    return 0;
}

start(script("inputs", "Writes docs/alicloud-inputs.md from the table of the cloud's stand-in.").action(exitCode(writeTable)));
