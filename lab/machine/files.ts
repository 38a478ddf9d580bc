import { sync as writeFileAtomicSync } from "write-file-atomic";

/** Writes a file atomically: a killed process leaves the old file or the new one. Only the current user can read the file. */
export function writeWhole(file: string, content: string): void {
    writeFileAtomicSync(file, content, { mode: 0o600 });
}
