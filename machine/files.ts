import { renameSync, writeFileSync } from "node:fs";

/** Written aside and renamed: whoever is killed in between leaves the old file or the new one, never half of one. Root alone may read it. */
export function writeWhole(file: string, content: string): void {
    writeFileSync(`${file}.new`, content, { mode: 0o600 });
    renameSync(`${file}.new`, file);
}
