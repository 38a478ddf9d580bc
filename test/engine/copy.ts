import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { execa } from "execa";
import { clone } from "../../toolchain/places";

export interface Run {
    readonly exitCode: number;
    readonly output: string;
}

/** A copy of this clone, which a test may change. Its environment has no daemon, no cluster and no cloud. */
export class Copy {
    private constructor(readonly folder: string) {}

    static make(): Copy {
        const folder = mkdtempSync(join(tmpdir(), "sms-copy-"));
        const left = new Set([".git", "node_modules"]);
        cpSync(clone, join(folder, "clone"), { recursive: true, filter: (source) => !left.has(basename(source)) });
        symlinkSync(join(clone, "node_modules"), join(folder, "clone", "node_modules"));
        mkdirSync(join(folder, "tmp"));
        mkdirSync(join(folder, "state"));
        return new Copy(folder);
    }

    path(file: string): string {
        return join(this.folder, "clone", file);
    }

    read(file: string): string {
        return readFileSync(this.path(file), "utf8");
    }

    write(file: string, content: string): void {
        writeFileSync(this.path(file), content);
    }

    /** Adds a stack with all settings of `local`. Its secrets can't be decrypted. */
    addStack(name: string): void {
        const secrets = ["registryPassword", "redisPassword", "mongoPassword"].map((key) => `    sms:${key}: { secure: v1:x }\n`);
        secrets.push("    sms:clientTokens: { local: { secure: v1:x } }\n");
        this.write(`Pulumi.${name}.yaml`, this.read("Pulumi.local.yaml").replace("config:\n", `config:\n${secrets.join("")}`));
    }

    /** Replaces a text in a file. Throws if the file does not have it. */
    edit(file: string, old: string, next: string): void {
        const content = this.read(file);
        if (!content.includes(old)) {
            throw new Error(`${file} has no ${old}`);
        }
        writeFileSync(this.path(file), content.replace(old, next));
    }

    restore(file: string): void {
        writeFileSync(this.path(file), readFileSync(join(clone, file)));
    }

    /** Runs an npm script as a user does, with both outputs together. */
    async run(script: string, args: string[], env: Record<string, string | undefined> = {}): Promise<Run> {
        const { exitCode, all } = await this.start(script, args, env);
        return { exitCode: exitCode ?? 1, output: all };
    }

    /** Runs an npm script as a program does, with separate outputs. */
    async runApart(script: string, args: string[]): Promise<{ exitCode?: number; stdout: string; stderr: string }> {
        return this.start(script, args, {});
    }

    private start(script: string, args: string[], env: Record<string, string | undefined>) {
        return execa("npm", ["run", "--silent", script, "--", ...args], {
            cwd: this.path("."),
            env: { ...this.environment, ...env },
            all: true,
            reject: false,
            stdin: "ignore",
        });
    }

    /** The entries in the folder for temporary files. */
    leftovers(): string[] {
        // npm stores compiled code there, on Node 22 and later.
        return readdirSync(join(this.folder, "tmp")).filter((name) => name !== "node-compile-cache");
    }

    /** All files of the copy with their contents. */
    contents(): Map<string, string> {
        const files = readdirSync(this.path("."), { recursive: true, withFileTypes: true }).filter(
            (entry) => entry.isFile() && !entry.parentPath.includes("node_modules"),
        );
        return new Map(
            files.map((entry) => [join(entry.parentPath, entry.name), readFileSync(join(entry.parentPath, entry.name), "base64")]),
        );
    }

    remove(): void {
        rmSync(this.folder, { recursive: true, force: true });
    }

    private get environment(): Record<string, string | undefined> {
        return {
            TMPDIR: join(this.folder, "tmp"),
            PULUMI_HOME: join(this.folder, "home"),
            PULUMI_BACKEND_URL: `file://${join(this.folder, "state")}`,
            PULUMI_CONFIG_PASSPHRASE: undefined,
            PULUMI_CONFIG_PASSPHRASE_FILE: undefined,
            DOCKER_HOST: "unix:///nowhere/docker.sock",
            KUBECONFIG: join(this.folder, "no-kubeconfig"),
        };
    }
}
