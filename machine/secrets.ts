import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "./files";
import { state } from "./places";

const folder = join(state, "secrets");

/** Where a password of this machine lies; root alone may read it. */
export const secretFile = (name: string) => join(folder, name);

/** A password that belongs to this machine: made up at its first use (192 random bits), the same until `npm run down`. */
export function secret(name: string): string {
    const file = secretFile(name);
    if (!existsSync(file)) {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        writeWhole(file, randomBytes(24).toString("base64url"));
    }
    return readFileSync(file, "utf8");
}
