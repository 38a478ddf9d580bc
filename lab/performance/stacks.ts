import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { type Engine, makeStack, throwAwayEngine } from "../../operations/engine";
import { complete, readPlaceholders } from "../../operations/placeholders";
import { readStackFile } from "../../operations/stackFile";
import { clone } from "../../toolchain/places";
import type { Contender } from "./measure";

/** An engine and stacks that exist only while a row is measured. */
export class Stacks {
    private constructor(
        readonly engine: Engine,
        private readonly folder: string,
    ) {}

    static async using<T>(work: (stacks: Stacks) => Promise<T>): Promise<T> {
        const folder = mkdtempSync(join(tmpdir(), "sms-bench-"));
        try {
            return await work(new Stacks(await throwAwayEngine(folder), folder));
        } finally {
            rmSync(folder, { recursive: true, force: true });
        }
    }

    /** The preview of a stack of this project, with placeholders for missing settings. */
    async ours(stack: string): Promise<Contender> {
        const file = await makeStack(this.engine, this.folder, stack, complete(stack, readStackFile(clone, stack), readPlaceholders()));
        return this.preview(stack, clone, file);
    }

    /** The preview of another project. `cwd` is its folder and `name` its name. */
    async another(name: string, cwd: string): Promise<Contender> {
        const project = join(this.folder, name);
        mkdirSync(project);
        writeFileSync(join(project, "Pulumi.yaml"), `name: ${name}\nruntime: nodejs\n`);
        await execa(this.engine.command, ["stack", "init", name, "--non-interactive", "--no-select"], {
            env: this.engine.env,
            cwd: project,
        });
        const file = join(this.folder, `Pulumi.${name}.yaml`);
        renameSync(join(project, `Pulumi.${name}.yaml`), file);
        return this.preview(name, cwd, file);
    }

    private preview(stack: string, cwd: string, file: string): Contender {
        const options = ["--non-interactive", "--suppress-progress"];
        return {
            command: [this.engine.command, "preview", "--stack", stack, "--config-file", file, ...options],
            cwd,
            env: this.engine.env,
        };
    }

    /** The same preview without files of earlier runs. Caches of compiled code are in the folder for temporary files. */
    cold(contender: Contender): Contender {
        const temporary = join(this.folder, "cold");
        return {
            ...contender,
            env: { ...contender.env, TMPDIR: temporary },
            before: () => {
                rmSync(temporary, { recursive: true, force: true });
                mkdirSync(temporary);
            },
        };
    }
}
