import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { execa } from "execa";
import { inForeground } from "../cli/foreground";
import { stackFileAt } from "../operations/stackFile";
import { isEncrypted, stackFileText } from "../settings/stackFile";
import { pulumiCommand } from "./commands";
import type { Docker } from "./docker";
import { writeWhole } from "./files";
import { clearPending } from "./pending";
import { clone, kubeconfig, ownContext, ownRegistry, state } from "./places";
import { say, step } from "./progress";
import { secret, secretFile } from "./secrets";
import { built } from "./toolchain";

const committed = join(clone, "Pulumi.local.yaml");
const pulumiHome = join(state, "pulumi");
const backend = join(state, "stacks");
const temporary = join(state, "tmp");

/** A stack on this machine. */
export interface Stack {
    readonly name: string;
    /** The folder of the program. */
    readonly program: string;
    /** The settings of the committed `Pulumi.local.yaml` and this machine's secrets, encrypted: the clone stays as it was cloned. */
    readonly file: string;
}

/** The stack of this clone that the machine calls `name`. */
export function stackNamed(name: string): Stack {
    return { name, program: clone, file: join(state, `Pulumi.${name}.yaml`) };
}

export const localStack = stackNamed("local");

/** The stacks that this machine has: the local one, and rehearsals that were kept. */
export function stackNames(): string[] {
    const made = (existsSync(state) ? readdirSync(state) : []).flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []);
    return [...new Set([localStack.name, ...made])];
}

/** What the stack file asks of the machine: who provides its cluster and registry, and which images it starts from. */
export interface Needs {
    readonly context: string;
    readonly registryServer: string;
    readonly images: readonly string[];
    readonly nodePort: number;
}

export function readNeeds(): Needs {
    const config = stackFileAt(committed).config as Record<string, Record<string, string & number> | undefined>;
    return {
        context: config["sms:cluster"]?.context ?? ownContext,
        registryServer: config["sms:registry"]?.server ?? ownRegistry,
        images: [config["sms:image"]?.baseImage, config["sms:redis"]?.image, config["sms:mongo"]?.image].filter(
            (image) => image !== undefined,
        ),
        nodePort: config["sms:web"]?.nodePort ?? 31090,
    };
}

/** Runs the engine on the stack. */
export interface Pulumi {
    readonly command: string;
    readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The engine's variables in this process's environment, each taken out: a backend, passphrase, stack or token that a user has exported
 * is for that user's own stacks.
 */
export function foreignEngineVariables(): Record<string, undefined> {
    return withoutThose((name) => name.startsWith("PULUMI_"));
}

/** All ways in which a key for the cloud may lie in this process's environment, each taken out: it is for a real cloud. */
export function foreignCloudVariables(): Record<string, undefined> {
    return withoutThose((name) => /^(ALICLOUD|ALIBABA_CLOUD)_/.test(name));
}

function withoutThose(isForeign: (name: string) => boolean): Record<string, undefined> {
    return Object.fromEntries(
        Object.keys(process.env)
            .filter(isForeign)
            .map((name) => [name, undefined]),
    );
}

/** The engine; its home, state and plugins are the machine's own. */
export async function ensurePulumi(docker: Docker, needs: Needs): Promise<Pulumi> {
    mkdirSync(backend, { recursive: true });
    mkdirSync(pulumiHome, { recursive: true });
    mkdirSync(temporary, { recursive: true, mode: 0o700 });
    secret("passphrase");
    const command = await pulumiCommand();
    const env = {
        ...foreignEngineVariables(),
        PULUMI_HOME: pulumiHome,
        PULUMI_BACKEND_URL: `file://${backend}`,
        PULUMI_CONFIG_PASSPHRASE_FILE: secretFile("passphrase"),
        PULUMI_SKIP_UPDATE_CHECK: "true",
        // What is needed is installed below; without a network the engine would ask five times in each command for what isn't.
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        // The Kubernetes provider leaves a copy of the kubeconfig there.
        TMPDIR: temporary,
        DOCKER_HOST: docker.host,
        ...(needs.context === ownContext ? { KUBECONFIG: kubeconfig } : {}),
    };
    const pulumi = { command, env };
    await ensurePlugin(pulumi, "kubernetes", async (folder) => {
        symlinkSync(join(await built("pulumi"), "pulumi-resource-kubernetes"), join(folder, "pulumi-resource-kubernetes"));
        return "built from its Go module";
    });
    await ensurePlugin(pulumi, "docker", async (folder) => {
        writeStandIn(folder, "docker");
        return "a stand-in, machine/docker-provider: it builds and pushes for real, but only docker:index/image:Image";
    });
    return pulumi;
}

/** Puts `machine/<name>-provider` into a plugin's folder, as a command that the engine can start. */
export function writeStandIn(folder: string, name: string): void {
    const main = join(clone, "machine", `${name}-provider`, "main.ts");
    writeFileSync(join(folder, `pulumi-resource-${name}`), `#!/bin/sh\nexec node -r '${join(clone, "register.cjs")}' '${main}' "$@"\n`, {
        mode: 0o755,
    });
}

/** Installs the official plugin; where it can't be had, `otherwise` puts another into the folder and says what it is. */
async function ensurePlugin({ command, env }: Pulumi, name: string, otherwise: (folder: string) => Promise<string>): Promise<void> {
    const { version } = require(`@pulumi/${name}/package.json`) as { version: string };
    const folder = join(pulumiHome, "plugins", `resource-${name}-v${version}`);
    const note = join(folder, "made-by-sms-machine");
    if (existsSync(folder) && !existsSync(note)) {
        return;
    }
    if (!existsSync(folder)) {
        const official = await step(`the official ${name} plugin ${version}`, async () => {
            const { failed } = await execa(command, ["plugin", "install", "resource", name, version], {
                env,
                reject: false,
                timeout: 300_000,
            });
            return failed ? "can't be downloaded here" : "installed";
        });
        if (official === "installed") {
            return;
        }
    }
    const unfinished = `${folder}.new`;
    rmSync(unfinished, { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(unfinished, { recursive: true });
    const what = await otherwise(unfinished);
    writeFileSync(join(unfinished, "made-by-sms-machine"), what);
    renameSync(unfinished, folder);
    say(`  ! ${name} plugin: ${what}`);
}

/** Makes the stack and its file: the committed settings, changed by `changes`, and the secrets that only this machine knows. */
export async function ensureStack(
    { command, env }: Pulumi,
    { name, program, file }: Stack,
    changes: Record<string, unknown> = {},
): Promise<void> {
    if (!existsSync(file)) {
        // Initialised beside a project file of its own, for the CLI writes the encryption salt next to it.
        const project = join(state, "project");
        rmSync(project, { recursive: true, force: true });
        mkdirSync(project, { recursive: true });
        writeFileSync(join(project, "Pulumi.yaml"), "name: sms\nruntime: nodejs\n");
        await execa(command, ["stack", "rm", "--yes", "--force", "--stack", name], { env, cwd: project, reject: false });
        await execa(command, ["stack", "init", name, "--non-interactive"], { env, cwd: project });
        renameSync(join(project, `Pulumi.${name}.yaml`), file);
    }
    const known = stackFileAt(file);
    const secrets = Object.fromEntries(Object.entries(known.config).filter(([, value]) => isEncrypted(value)));
    const config = { ...stackFileAt(committed).config, ...secrets, ...changes };
    writeWhole(file, stackFileText({ encryptionsalt: known.encryptionsalt, config }));
    const wanted = {
        "sms:redisPassword": "redis-password",
        "sms:mongoPassword": "mongo-password",
        ...(readNeeds().registryServer === ownRegistry ? { "sms:registryPassword": "registry-password" } : {}),
    };
    for (const [key, password] of Object.entries(wanted).filter(([key]) => !(key in config))) {
        await execa(command, ["config", "set", "--secret", key, "--stack", name, "--config-file", file, "--non-interactive"], {
            env,
            cwd: program,
            input: secret(password),
        });
    }
}

/**
 * A lock whose holder was killed would stop each later run. The machine runs one at a time, so a dead holder's lock is stale.
 */
export async function clearKilledRun({ command, env }: Pulumi, stack: Stack): Promise<void> {
    const locks = join(backend, ".pulumi", "locks");
    if (!existsSync(locks)) {
        return;
    }
    const holders = readdirSync(locks, { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(".json") && basename(dirname(file)) === stack.name)
        .map((file) => (JSON.parse(readFileSync(join(locks, file), "utf8")) as { pid: number }).pid);
    if (holders.length > 0 && holders.every((pid) => !existsSync(`/proc/${pid}`))) {
        say("  ! an earlier `pulumi` was killed: releasing its lock");
        const pulumi = (args: readonly string[], input?: string) =>
            execa(command, pulumiArgs(stack, args), { env, cwd: stack.program, input });
        await pulumi(["cancel", "--yes"]);
        await clearPending(pulumi);
    }
}

const takesConfigFile = new Set([
    "up",
    "update",
    "preview",
    "pre",
    "destroy",
    "down",
    "dn",
    "refresh",
    "config",
    "import",
    "logs",
    "watch",
]);
const takesStack = new Set([...takesConfigFile, "stack", "state", "cancel", "console", "about"]);

/** The whole command line for a `pulumi` command on a stack of this machine. */
export function pulumiArgs({ name, file }: Stack, [verb = "help", ...args]: readonly string[]): string[] {
    // What stands behind `--` is no option.
    const end = args.includes("--") ? args.indexOf("--") : args.length;
    return [
        verb,
        ...args.slice(0, end),
        ...(takesStack.has(verb) ? ["--stack", name] : []),
        ...(takesConfigFile.has(verb) ? ["--config-file", file] : []),
        ...args.slice(end),
    ];
}

/** Runs a `pulumi` command on the stack, in the user's terminal. Gives its exit code. */
export async function runPulumi({ command, env }: Pulumi, stack: Stack, args: readonly string[]): Promise<number> {
    return inForeground(command, pulumiArgs(stack, args), { env, cwd: stack.program });
}
