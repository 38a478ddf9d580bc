import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { state } from "../../toolchain/places";
import { writeWhole } from "./files";

const folder = join(state, "secrets");

/** The file of one of this machine's passwords. Only the current user can read it. */
export const secretFile = (name: string) => join(folder, name);

/** A password of this machine. It is generated at its first use (192 random bits) and remains the same until `npm run down`. */
export function secret(name: string): string {
    const file = secretFile(name);
    if (!existsSync(file)) {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        writeWhole(file, randomBytes(24).toString("base64url"));
    }
    return readFileSync(file, "utf8");
}
