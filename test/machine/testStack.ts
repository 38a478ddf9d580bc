import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { parse } from "yaml";
import { ensureDocker } from "../../machine/containers";
import { kubectl } from "../../machine/kubernetes";
import { clone, logs } from "../../machine/places";
import { ensurePulumi, ensureStack, type Pulumi, pulumiArgs, readNeeds, releaseStaleLock, type Stack } from "../../machine/stack";

/** What an engine command said and how it ended. */
export interface Run {
    exitCode: number;
    output: string;
}

type Config = Record<string, unknown>;

/** Beside the user's own stack, and out of its way. */
export const namespace = "sms-test";
const nodePort = 31091;
export const address = `http://127.0.0.1:${nodePort}`;

/** What the program is made of; a copy of it can be broken on purpose. */
const programFiles = [
    "Pulumi.yaml",
    "package.json",
    "tsconfig.json",
    "tsconfig.pulumi.json",
    "compile-cache.cjs",
    "index.ts",
    "settings",
    "components",
    "app",
];

/** The program of this clone, copied, on a stack of its own on the real cluster. */
export class TestStack {
    private constructor(
        readonly pulumi: Pulumi,
        readonly stack: Stack,
    ) {}

    static async make(): Promise<TestStack> {
        const program = mkdtempSync(join(tmpdir(), "sms-test-"));
        for (const file of programFiles) {
            cpSync(join(clone, file), join(program, file), { recursive: true });
        }
        symlinkSync(join(clone, "node_modules"), join(program, "node_modules"));
        const pulumi = await ensurePulumi(await ensureDocker(), readNeeds());
        const stack = { name: "machine-test", program, file: join(program, "Pulumi.machine-test.yaml") };
        await releaseStaleLock(pulumi, stack);
        return new TestStack(pulumi, stack);
    }

    /** Sets the stack's settings: those of `local`, moved aside, with `changes`. */
    async configure(changes: Config = {}): Promise<void> {
        const local = (parse(readFileSync(join(clone, "Pulumi.local.yaml"), "utf8")) as { config: Record<string, Config> }).config;
        const hasty = { minReadySeconds: 1, rolloutTimeoutSeconds: 60 };
        await ensureStack(this.pulumi, this.stack, {
            "sms:namespace": namespace,
            "sms:web": { ...local["sms:web"], ...hasty, nodePort, preStopSeconds: 3 },
            "sms:worker": { ...local["sms:worker"], ...hasty },
            "sms:beat": { ...local["sms:beat"], rolloutTimeoutSeconds: 60 },
            ...changes,
        });
    }

    async setSecret(key: string, value: string): Promise<void> {
        await execa(this.pulumi.command, pulumiArgs(this.stack, ["config", "set", "--secret", key]), {
            env: this.pulumi.env,
            cwd: this.stack.program,
            input: value,
        });
    }

    async run(...args: string[]): Promise<Run> {
        const { exitCode, all } = await execa(this.pulumi.command, pulumiArgs(this.stack, args), {
            env: this.pulumi.env,
            cwd: this.stack.program,
            all: true,
            reject: false,
        });
        appendFileSync(join(logs, "test-machine.log"), `$ pulumi ${args.join(" ")}\n${all}\n`);
        return { exitCode: exitCode ?? 1, output: all };
    }

    up = (...args: string[]) => this.run("up", "--yes", "--skip-preview", "--non-interactive", ...args);

    /** Changes a file of the copied program. */
    edit(file: string, change: (content: string) => string): void {
        const path = join(this.stack.program, file);
        writeFileSync(path, change(readFileSync(path, "utf8")));
    }

    restore(file: string): void {
        this.edit(file, () => readFileSync(join(clone, file), "utf8"));
    }

    /** What is in the stack's namespace. */
    async objects<T>(kind: string): Promise<T[]> {
        return (JSON.parse(await kubectl("--namespace", namespace, "get", kind, "-o", "json")) as { items: T[] }).items;
    }

    /** The stack's state as the engine keeps it. */
    async state(): Promise<string> {
        const { output } = await this.run("stack", "export");
        return output;
    }

    async remove(): Promise<void> {
        await this.run("stack", "rm", "--yes", "--force");
        rmSync(this.stack.program, { recursive: true, force: true });
    }
}
