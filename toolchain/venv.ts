import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { execa } from "execa";
import { cache, clone } from "./places";
import { step } from "./progress";

/** Creates a virtual environment with a lock file's packages, once per version of the file. `lock` is a file in app/. Returns its path. */
export async function ensureVenv(lock: string): Promise<string> {
    const path = join(clone, "app", lock);
    const { stdout: python } = await execa("python3", ["--version"]);
    const key = createHash("sha256").update(python).update(readFileSync(path)).digest("hex").slice(0, 12);
    const venv = join(cache, "venv", key);
    if (!existsSync(join(venv, "complete"))) {
        await step(`the packages of ${basename(lock)}`, async () => {
            rmSync(venv, { recursive: true, force: true });
            await execa("python3", ["-m", "venv", venv]);
            await execa(join(venv, "bin", "pip"), ["install", "--quiet", "--require-hashes", "--requirement", path]);
            mkdirSync(join(venv, "complete"));
        });
    }
    return venv;
}
