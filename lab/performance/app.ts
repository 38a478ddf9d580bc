import { appendFileSync, cpSync, mkdtempSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { clone } from "../../toolchain/places";

const left = new Set([".git", "node_modules", "__pycache__", ".venv", ".pytest_cache", ".ruff_cache"]);

/** Returns a copy of this clone, whose code may be changed. The caller removes it. */
export function copyOfClone(): string {
    const folder = mkdtempSync(join(tmpdir(), "sms-bench-clone-"));
    cpSync(clone, folder, { recursive: true, filter: (source) => !left.has(basename(source)) });
    symlinkSync(join(clone, "node_modules"), join(folder, "node_modules"));
    return folder;
}

let changes = 0;

/** Makes the app's code unique without changing its behaviour. */
export function changeCode(app: string): void {
    changes += 1;
    appendFileSync(join(app, "sms", "__init__.py"), `\n# ${Date.now()}-${changes}\n`);
}
