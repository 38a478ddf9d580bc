/** The preview of another commit of this repository, made by that commit's own code. */

import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { clone } from "../toolchain/places";
import { type Document, readDocument } from "./document";
import { OperationError } from "./operation";

export interface Base {
    readonly commit: string;
    /** Undefined if the preview failed. */
    readonly document?: Document;
    /** Why there is no document. */
    readonly problem?: string;
}

export async function commitOf(ref: string): Promise<string> {
    const { failed, stdout } = await execa("git", ["rev-parse", "--verify", "--end-of-options", `${ref}^{commit}`], {
        cwd: clone,
        reject: false,
    });
    if (failed) {
        throw new OperationError(`git knows no commit ${ref} here. Allowed: a commit that this clone has, such as main or HEAD^1.`);
    }
    return stdout.trim();
}

/** Extracts the other commit into `folder`. Changes nothing in this clone. */
export async function previewBase(commit: string, stack: string, folder: string): Promise<Base> {
    const target = join(folder, "base");
    mkdirSync(target);
    const archive = join(folder, "base.tar");
    await execa("git", ["archive", "--output", archive, commit], { cwd: clone });
    await execa("tar", ["-xf", archive, "-C", target]);
    await provideModules(target);
    const script = [join("operations", "preview.ts"), "--stack", stack, "--json"];
    const { stdout, all } = await execa(process.execPath, ["-r", "./register.cjs", ...script], {
        cwd: target,
        all: true,
        reject: false,
        stdin: "ignore",
    });
    const file = join(folder, "base.json");
    writeFileSync(file, stdout);
    try {
        const document = readDocument(file);
        return document.errors.length > 0 ? { commit, problem: document.errors.join(" ") } : { commit, document };
    } catch {
        return { commit, problem: all.trim().split("\n").slice(-3).join(" ") };
    }
}

/** If both commits have the same package-lock.json, the base uses this clone's node_modules. */
async function provideModules(target: string): Promise<void> {
    const lock = (folder: string) => readFileSync(join(folder, "package-lock.json"), "utf8");
    if (existsSync(join(target, "package-lock.json")) && lock(target) !== lock(clone)) {
        await execa("npm", ["ci", "--no-audit", "--no-fund"], { cwd: target });
    } else {
        symlinkSync(join(clone, "node_modules"), join(target, "node_modules"));
    }
}
