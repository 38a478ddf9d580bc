import { readdirSync, readFileSync } from "node:fs";

/** The command lines of all processes of this host, which every user can read. */
export function commandLines(): string {
    return readdirSync("/proc")
        .filter((entry) => /^\d+$/.test(entry))
        .map((entry) => {
            try {
                return readFileSync(`/proc/${entry}/cmdline`, "latin1");
            } catch {
                return ""; // The process ended during the search.
            }
        })
        .join("\n");
}
