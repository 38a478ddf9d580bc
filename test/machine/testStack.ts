import assert from "node:assert/strict";
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { kubectl } from "../../machine/kubernetes";
import { clone, logs, publishedPorts } from "../../machine/places";
import { prepared } from "../../machine/prepare";
import { until } from "../../machine/progress";
import { clearKilledRun, ensureStack, type Pulumi, pulumiArgs, type Stack } from "../../machine/stack";
import { stackFileAt } from "../../operations/stackFile";

/** What an engine command said and how it ended. */
export interface Run {
    exitCode: number;
    output: string;
}

type Config = Record<string, unknown>;

/** What the program is made of; a copy of it can be broken on purpose. */
const programFiles = [
    "Pulumi.yaml",
    "package.json",
    "tsconfig.json",
    "register.cjs",
    "index.ts",
    "settings",
    "components",
    "capacity",
    "preflight",
    "monitoring",
    "app",
];

/** The program of this clone, copied, on a stack of its own on the real cluster, beside the user's and out of its way. */
export class TestStack {
    /** Where its product answers. */
    readonly address: string;

    private constructor(
        readonly pulumi: Pulumi,
        readonly stack: Stack,
        /** The namespace in the cluster, and the stack's name. */
        readonly namespace: string,
        readonly nodePort: number,
    ) {
        this.address = `http://127.0.0.1:${nodePort}`;
    }

    /** `nodePort` must be one that this host publishes and no other test uses. What an earlier run that was killed has left in the cluster is removed. */
    static async make(namespace: string, nodePort: number, env: Record<string, string> = {}): Promise<TestStack> {
        assert.ok(publishedPorts.includes(nodePort), `${nodePort} doesn't answer on this host`);
        await kubectl("delete", "namespace", namespace, "--ignore-not-found");
        return TestStack.beside(namespace, nodePort, env);
    }

    /** The same, with whatever there is in its namespace. `env` may name another backend than the machine's. */
    static async beside(namespace: string, nodePort: number, env: Record<string, string> = {}): Promise<TestStack> {
        const program = mkdtempSync(join(tmpdir(), `${namespace}-`));
        for (const file of programFiles) {
            cpSync(join(clone, file), join(program, file), { recursive: true });
        }
        symlinkSync(join(clone, "node_modules"), join(program, "node_modules"));
        const { command, env: own } = await prepared();
        const pulumi = { command, env: { ...own, ...env } };
        const stack = { name: namespace, program, file: join(program, `Pulumi.${namespace}.yaml`) };
        await clearKilledRun(pulumi, stack);
        return new TestStack(pulumi, stack, namespace, nodePort);
    }

    /** Sets the stack's settings: those of `local`, moved aside and made hasty, with `changes`. */
    async configure(changes: Config = {}, haste: Config = {}): Promise<void> {
        const local = stackFileAt(join(clone, "Pulumi.local.yaml")).config as Record<string, Config>;
        const hasty = { minReadySeconds: 1, rolloutTimeoutSeconds: 45, ...haste };
        await ensureStack(this.pulumi, this.stack, {
            "sms:namespace": this.namespace,
            "sms:env": { RESEND_AFTER_SECONDS: 20, RESEND_INTERVAL_SECONDS: 5 },
            "sms:migration": { timeoutSeconds: 20 },
            "sms:web": { ...local["sms:web"], ...hasty, nodePort: this.nodePort, preStopSeconds: 3 },
            "sms:worker": { ...local["sms:worker"], ...hasty },
            "sms:beat": { ...local["sms:beat"], rolloutTimeoutSeconds: hasty.rolloutTimeoutSeconds },
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

    /** One of the clone's npm scripts, on this stack. */
    async script(name: string): Promise<Run> {
        const script = ["run", "--silent", name, "--", "--stack", this.stack.name];
        const { exitCode, all } = await execa("npm", script, {
            env: this.pulumi.env,
            cwd: clone,
            all: true,
            reject: false,
            stdin: "ignore",
        });
        appendFileSync(join(logs, "test-machine.log"), `$ npm ${script.join(" ")}\n${all}\n`);
        return { exitCode: exitCode ?? 1, output: all };
    }

    /** The image that runs, as `sms:image.pinned` names it. */
    async pin(): Promise<string> {
        const { output } = await this.run("stack", "output", "image");
        return output.trim().replace(/^.*:([^:/@]+@)/, "$1");
    }

    /** Changes a file of the copied program, in places that have to be there. */
    edit(file: string, change: (content: string) => string): void {
        const path = join(this.stack.program, file);
        const content = readFileSync(path, "utf8");
        const changed = change(content);
        if (changed === content) {
            throw new Error(`${file} is not what this change of it was made for`);
        }
        writeFileSync(path, changed);
    }

    restore(file: string): void {
        cpSync(join(clone, file), join(this.stack.program, file));
    }

    async send(text: string): Promise<{ id: string }> {
        const response = await fetch(`${this.address}/messages`, {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ to: "+8613800138000", text }),
        });
        assert.equal(response.status, 202, await response.clone().text());
        return (await response.json()) as { id: string };
    }

    async waitUntilSent({ id }: { id: string }): Promise<void> {
        let last = "";
        await until(
            async () => {
                last = await (await fetch(`${this.address}/messages/${id}`)).text();
                return (JSON.parse(last) as { status: string }).status === "sent";
            },
            // A message that the broker lost is queued again after RESEND_AFTER_SECONDS, here 20.
            60,
            () => `not sent: ${last}`,
        );
    }

    /** What is in the stack's namespace. */
    async objects<T>(kind: string): Promise<T[]> {
        return (JSON.parse(await kubectl("--namespace", this.namespace, "get", kind, "-o", "json")) as { items: T[] }).items;
    }

    /** The stack's state as the engine keeps it. */
    async state(): Promise<string> {
        const { output } = await this.run("stack", "export");
        return output;
    }

    /** Makes the state what `state` gave, or what a test made of that. */
    async restoreState(state: string): Promise<void> {
        await execa(this.pulumi.command, pulumiArgs(this.stack, ["stack", "import", "--force"]), {
            env: this.pulumi.env,
            cwd: this.stack.program,
            input: state,
        });
    }

    async remove(): Promise<void> {
        await this.run("stack", "rm", "--yes", "--force");
        rmSync(this.stack.program, { recursive: true, force: true });
    }
}
