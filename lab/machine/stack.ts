import {
    existsSync,
    lstatSync,
    mkdirSync,
    mkdtempSync,
    readdirSync,
    readFileSync,
    readlinkSync,
    renameSync,
    rmSync,
    symlinkSync,
    writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { execa } from "execa";
import { inForeground } from "../../cli/foreground";
import { say } from "../../cli/say";
import { namesIn } from "../../cli/stackName";
import { clearPending } from "../../operations/pending";
import { localStacks, stackFileAt, stackFilePath } from "../../operations/stackFile";
import { machineStack } from "../../settings/machineStack";
import { hasEncrypted, stackFileText } from "../../settings/stackFile";
import { valueAt } from "../../settings/valueAt";
import { pulumiCommand } from "../../toolchain/commands";
import { foreignEngineVariables } from "../../toolchain/foreignVariables";
import { built } from "../../toolchain/goModules";
import { clone, kubeconfig, ownContext, ownRegistry, state } from "../../toolchain/places";
import { step } from "../../toolchain/progress";
import { standIns, writeStandIn } from "../../toolchain/standIns";
import { tokenHashOf } from "./client";
import type { Docker } from "./docker";
import { writeWhole } from "./files";
import { withRegistryAddress } from "./registry";
import { secret, secretFile } from "./secrets";

const pulumiHome = join(state, "pulumi");
const backend = join(state, "stacks");
const temporary = join(state, "tmp");

/** A stack on this machine. */
export interface Stack {
    readonly name: string;
    /** The folder of the program. */
    readonly program: string;
    /** The path of the stack file that people edit. */
    readonly settings: string;
    /** The path of the machine's copy, with this machine's encrypted secrets. So the machine changes nothing in the clone. */
    readonly file: string;
}

/** The stack of this clone with this name on the machine. */
export function stackNamed(name: string): Stack {
    return { name, program: clone, settings: stackFilePath(clone, name), file: join(state, `Pulumi.${name}.yaml`) };
}

export const localStack = stackNamed(machineStack);

/** The names of this machine's stacks: those with `sms:environment: local` in their file, and rehearsals with `--keep`. */
export function stackNames(): string[] {
    return [...new Set([...localStacks(clone), ...namesIn(state)])];
}

/** What a stack needs from the machine: its cluster, its registry and its base images. */
export interface Ground {
    readonly context: string;
    readonly registryServer: string;
    readonly images: readonly string[];
}

/** The settings of a stack that the machine uses. */
export interface Needs extends Ground {
    /** The app's folder in the program. */
    readonly app: string;
    readonly namespace: string;
    readonly nodePort: number;
}

export function readNeeds({ settings, file }: Stack): Needs {
    // The clone has no stack file with a rehearsal's name.
    const config = stackFileAt(existsSync(settings) ? settings : file).config as Record<
        string,
        Record<string, string & number> | undefined
    >;
    return {
        context: config["sms:cluster"]?.context ?? ownContext,
        registryServer: config["sms:registry"]?.server ?? ownRegistry,
        images: [config["sms:image"]?.baseImage, config["sms:redis"]?.image, config["sms:mongo"]?.image].filter(
            (image) => image !== undefined,
        ),
        app: config["sms:image"]?.context ?? "app",
        namespace: `${config["sms:namespace"] ?? "sms"}`,
        nodePort: config["sms:web"]?.nodePort ?? 31090,
    };
}

/** The engine's command and environment. */
export interface Pulumi {
    readonly command: string;
    readonly env: Readonly<Record<string, string | undefined>>;
}

/** Installs the engine with the machine's own home, state and plugins. */
export async function ensurePulumi(docker: Docker, needs: Ground): Promise<Pulumi> {
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
        // The needed plugins are installed below. Without a network, the engine would try five times per command to download others.
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        // The Kubernetes provider leaves a copy of the kubeconfig in TMPDIR.
        TMPDIR: temporary,
        DOCKER_HOST: docker.host,
        SMS_CLONE: clone,
        ...(needs.context === ownContext ? { KUBECONFIG: kubeconfig } : {}),
    };
    const pulumi = { command, env };
    await ensurePlugin(pulumi, "kubernetes", async (folder) => {
        symlinkSync(join(await built("pulumi"), "pulumi-resource-kubernetes"), join(folder, "pulumi-resource-kubernetes"));
        return "built from its Go module";
    });
    await ensurePlugin(pulumi, "docker", async (folder) => {
        // Several clones, for example copies that tests change, use the same plugin. Each runs its own stand-in.
        writeStandIn(folder, "docker", '"$SMS_CLONE"');
        return `a stand-in, ${standIns.docker}: it builds and pushes for real, but only docker:index/image:Image`;
    });
    return pulumi;
}

/** Installs the official plugin. If it can't be downloaded, `otherwise` puts another plugin into the folder and returns its description. */
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
    mkdirSync(unfinished, { recursive: true });
    const what = await otherwise(unfinished);
    writeFileSync(join(unfinished, "made-by-sms-machine"), what);
    // An engine may be about to start the plugin, so a folder that needs no change stays.
    if (existsSync(folder) && areSame(unfinished, folder)) {
        rmSync(unfinished, { recursive: true });
    } else {
        rmSync(folder, { recursive: true, force: true });
        renameSync(unfinished, folder);
    }
    say(`  ! ${name} plugin: ${what}`);
}

/** Whether both folders have the same files and links. */
function areSame(one: string, other: string): boolean {
    const content = (folder: string) =>
        readdirSync(folder)
            .sort()
            .map((name) => {
                const path = join(folder, name);
                return [name, lstatSync(path).isSymbolicLink() ? readlinkSync(path) : readFileSync(path, "utf8")];
            });
    return JSON.stringify(content(one)) === JSON.stringify(content(other));
}

/** Creates the stack and its file. The file has the committed settings with `changes`, and this machine's own secrets. */
export async function ensureStack(pulumi: Pulumi, stack: Stack, changes: Record<string, unknown> = {}): Promise<void> {
    const { command, env } = pulumi;
    const { name, settings, file } = stack;
    if (!existsSync(file)) {
        await besideProject(async (project) => {
            await execa(command, ["stack", "rm", "--yes", "--force", "--stack", name], { env, cwd: project, reject: false });
            await execa(command, ["stack", "init", name, "--non-interactive"], { env, cwd: project });
            renameSync(join(project, `Pulumi.${name}.yaml`), file);
        });
    }
    const known = stackFileAt(file);
    const secrets = Object.fromEntries(Object.entries(known.config).filter(([, value]) => hasEncrypted(value)));
    const config: Record<string, unknown> = withRegistryAddress({ ...stackFileAt(settings).config, ...secrets, ...changes });
    const clients = Object.keys((config["sms:clients"] as object | undefined) ?? {});
    const tokens = Object.entries((config["sms:clientTokens"] as object | undefined) ?? {});
    if (tokens.some(([client]) => !clients.includes(client))) {
        // The tokens are generated again below, without those of removed clients.
        delete config["sms:clientTokens"];
    }
    writeWhole(file, stackFileText({ encryptionsalt: known.encryptionsalt, config }));
    const wanted: Record<string, string> = {
        "sms:redisPassword": secret("redis-password"),
        "sms:mongoPassword": secret("mongo-password"),
        ...(readNeeds(stack).registryServer === ownRegistry ? { "sms:registryPassword": secret("registry-password") } : {}),
        ...Object.fromEntries(clients.map((client) => [`sms:clientTokens.${client}`, tokenHashOf(client)])),
    };
    const has = (key: string) => valueAt(config, key.split(".")) !== undefined;
    for (const [key, value] of Object.entries(wanted).filter(([key]) => !has(key))) {
        await setSecret(pulumi, stack, key, value);
    }
}

/** Runs `work` in a temporary project folder: `pulumi stack init` writes a stack file with the encryption salt into the current project. */
export async function besideProject(work: (project: string) => Promise<void>): Promise<void> {
    const project = mkdtempSync(join(state, "project-"));
    try {
        writeFileSync(join(project, "Pulumi.yaml"), "name: sms\nruntime: nodejs\n");
        await work(project);
    } finally {
        rmSync(project, { recursive: true });
    }
}

/**
 * Encrypts a setting into the machine's file of the stack. The value is passed on standard input, because other users can read
 * arguments in the process list.
 */
export async function setSecret({ command, env }: Pulumi, stack: Stack, key: string, value: string): Promise<void> {
    const path = key.includes(".") ? ["--path"] : [];
    const set = pulumiArgs(stack, ["config", "set", "--secret", ...path, key, "--non-interactive"]);
    await execa(command, set, { env, cwd: stack.program, input: value });
}

/** Releases the lock of a killed `pulumi`, which would stop each later run. Does nothing while a holder's process runs. */
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

/** The arguments for a `pulumi` command on a stack of this machine. */
export function pulumiArgs({ name, file }: Stack, [verb = "help", ...args]: readonly string[]): string[] {
    // Arguments after `--` are no options.
    const end = args.includes("--") ? args.indexOf("--") : args.length;
    const isRemoval = verb === "stack" && args.slice(0, end).find((arg) => !arg.startsWith("-")) === "rm";
    return [
        verb,
        ...args.slice(0, end),
        // The engine would remove the clone's stack file with the stack.
        ...(isRemoval ? ["--preserve-config"] : []),
        ...(takesStack.has(verb) ? ["--stack", name] : []),
        ...(takesConfigFile.has(verb) ? ["--config-file", file] : []),
        ...args.slice(end),
    ];
}

/** Runs a `pulumi` command on the stack in the user's terminal. Returns its exit code. */
export async function runPulumi({ command, env }: Pulumi, stack: Stack, args: readonly string[]): Promise<number> {
    return inForeground(command, pulumiArgs(stack, args), { env, cwd: stack.program });
}
