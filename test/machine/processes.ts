import { readdirSync, readFileSync } from "node:fs";

/** The command lines of all processes of this host, as anybody may read them. */
export function commandLines(): string {
    return readdirSync("/proc")
        .filter((entry) => /^\d+$/.test(entry))
        .map((entry) => {
            try {
                return readFileSync(`/proc/${entry}/cmdline`, "latin1");
            } catch {
                return ""; // It ended while we looked.
            }
        })
        .join("\n");
}
