import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { pulumiCommand } from "../../machine/commands";
import { isReading, parseStackFile } from "../../settings/stackFile";
import { valueAt } from "../../settings/valueAt";

/** What `pulumi config --json` says of one key. */
interface Said {
    value?: string;
    objectValue?: unknown;
    secret: boolean;
}

/** What the engine reads in a stack file, or undefined where it refuses the file. */
export type Engine = (text: string) => Promise<Record<string, Said> | undefined>;

/** An engine with a backend of its own in `folder`, which takes no passphrase to read a file. */
export async function engineIn(folder: string): Promise<Engine> {
    const project = join(folder, "project");
    mkdirSync(project);
    mkdirSync(join(folder, "state"));
    writeFileSync(join(project, "Pulumi.yaml"), "name: sms\nruntime: nodejs\n");
    const command = await pulumiCommand();
    const env = {
        PULUMI_HOME: join(folder, "home"),
        PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
        PULUMI_CONFIG_PASSPHRASE: "not asked for",
        PULUMI_SKIP_UPDATE_CHECK: "true",
    };
    const options = { cwd: project, env, reject: false, stdin: "ignore" } as const;
    await execa(command, ["stack", "init", "tried", "--non-interactive"], { ...options, reject: true });
    let files = 0;
    return async (text) => {
        const file = join(folder, `Pulumi.${files++}.yaml`);
        writeFileSync(file, text);
        const args = ["config", "--json", "--stack", "tried", "--config-file", file, "--non-interactive"];
        const { failed, stdout } = await execa(command, args, options);
        return failed ? undefined : (JSON.parse(stdout) as Record<string, Said>);
    };
}

/** Both readers find the same in a file, apart from what the program refuses as read otherwise than it is written. */
export function assertSame(text: string, said: Record<string, Said>): void {
    const { config, misread = [] } = parseStackFile(text);
    const engine = Object.fromEntries(Object.entries(said).map(([key, { value, objectValue }]) => [key, objectValue ?? value]));
    for (const one of misread) {
        assert.ok(isReading(one, valueAt(engine, one.path)), `${one.path.join()}: ${one.written}`);
    }
    const without = (values: Readonly<Record<string, unknown>>) =>
        misread.reduce<unknown>((rest, { path }) => replaced(rest, path, "misread"), values);
    const asText = (value: unknown) => (typeof value === "number" || typeof value === "boolean" ? String(value) : value);
    const ours = Object.fromEntries(Object.entries(config).map(([key, value]) => [key, asText(value)]));
    assert.deepEqual(without(engine), without(ours), text);
}

function replaced(values: unknown, [key, ...rest]: readonly (string | number)[], value: unknown): unknown {
    if (key === undefined) {
        return value;
    }
    const inner = replaced((values as Record<string | number, unknown>)[key], rest, value);
    return Array.isArray(values) ? values.map((entry, i) => (i === key ? inner : entry)) : { ...(values as object), [key]: inner };
}
