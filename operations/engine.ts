/** Pulumi's engine with a temporary backend, passphrase and home for one preview. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { stackFileText } from "../settings/stackFile";
import { pulumiCommand } from "../toolchain/commands";
import { foreignCloudVariables, foreignEngineVariables } from "../toolchain/foreignVariables";
import { built } from "../toolchain/goModules";
import { cache, clone } from "../toolchain/places";
import { standIns, writeStandIn } from "../toolchain/standIns";
import { OperationError } from "./operation";
import type { Completed } from "./placeholders";
import type { OnStack } from "./state";

export interface Engine {
    readonly command: string;
    readonly env: Readonly<Record<string, string | undefined>>;
    /** Plugins that are not the official ones, and the consequences. */
    readonly notes: readonly string[];
}

/**
 * Returns a function that runs `pulumi` on the real stack, with its temporary files in folder `temporary`. If the command fails, the
 * function throws an OperationError with the command's output.
 */
export function onStack(command: string, stack: string, temporary: string): OnStack {
    return async (args, input) => {
        const { failed, stdout, all } = await execa(command, [...args, "--stack", stack], {
            cwd: clone,
            env: { TMPDIR: temporary },
            all: true,
            reject: false,
            ...(input === undefined ? { stdin: "ignore" } : { input }),
        });
        if (failed) {
            throw new OperationError(`pulumi ${args.slice(0, 2).join(" ")}:\n${all}`);
        }
        return { stdout };
    };
}

/** An engine that stores everything in `folder`. It reaches no cloud, no cluster, no registry and no docker daemon. */
export async function throwAwayEngine(folder: string): Promise<Engine> {
    const home = join(folder, "home");
    const backend = join(folder, "state");
    const passphrase = join(folder, "passphrase");
    // The engine and its plugins leave logs and kubeconfigs in TMPDIR.
    const temporary = join(folder, "tmp");
    for (const path of [join(home, "plugins"), backend, temporary]) {
        mkdirSync(path, { recursive: true });
    }
    writeFileSync(passphrase, randomBytes(24).toString("base64url"), { mode: 0o600 });
    const command = await pulumiCommand();
    const [kubernetes, docker] = await Promise.all([kubernetesPlugin(command, temporary), dockerPlugin(command, temporary)]);
    const plugins = { kubernetes, docker, alicloud: alicloudPlugin() };
    const notes: string[] = [];
    for (const [name, plugin] of Object.entries(plugins)) {
        const target = join(home, "plugins", pluginFolder(name));
        mkdirSync(target);
        plugin.provide(target);
        if (plugin.note !== undefined) {
            notes.push(`${name} plugin: ${plugin.note}`);
        }
    }
    return {
        command,
        notes,
        env: {
            ...foreignEngineVariables(),
            TMPDIR: temporary,
            PULUMI_HOME: home,
            PULUMI_BACKEND_URL: `file://${backend}`,
            PULUMI_CONFIG_PASSPHRASE_FILE: passphrase,
            PULUMI_SKIP_UPDATE_CHECK: "true",
            PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
            SMS_PREVIEW_WITHOUT_DAEMON: "true",
            // This stack is new, so the resources of the real stack in the cluster of sms:cluster.kubeconfig must not be read.
            SMS_PREVIEW_WITHOUT_CLUSTER: "true",
            // An empty cloud for the stand-in, instead of this machine's cloud folder.
            SMS_CLOUD_FOLDER: join(folder, "cloud"),
            // The preview must not reach a cluster or a cloud that this host has access to.
            KUBECONFIG: join(folder, "no-kubeconfig"),
            ...foreignCloudVariables(),
        },
    };
}

interface Plugin {
    readonly provide: (folder: string) => void;
    readonly note?: string;
}

async function kubernetesPlugin(command: string, temporary: string): Promise<Plugin> {
    const official = await officialPlugin(command, "kubernetes", temporary);
    if (official !== undefined) {
        return official;
    }
    const folder = await built("pulumi");
    return { provide: (target) => symlinkSync(join(folder, "pulumi-resource-kubernetes"), join(target, "pulumi-resource-kubernetes")) };
}

/** Without a docker daemon the official plugin fails the preview. So the stand-in replaces it. */
async function dockerPlugin(command: string, temporary: string): Promise<Plugin> {
    const { failed } = await execa("docker", ["version"], { reject: false, timeout: 5000 });
    const official = failed ? undefined : await officialPlugin(command, "docker", temporary);
    const note = `a stand-in, ${standIns.docker}, which previews without a docker daemon`;
    return official ?? { provide: (target) => writeStandIn(target, "docker"), note };
}

/** Always the stand-in: the official plugin reads the cloud even in a preview, and needs keys for that. */
function alicloudPlugin(): Plugin {
    const note = `a stand-in, ${standIns.alicloud}, which previews without keys; the official one checks more`;
    return { provide: (target) => writeStandIn(target, "alicloud"), note };
}

function pluginFolder(name: string): string {
    const { version } = require(`@pulumi/${name}/package.json`) as { version: string };
    return `resource-${name}-v${version}`;
}

/**
 * The official plugin from Pulumi's own plugin folder. If it is missing, the engine downloads it, unless this machine built the engine.
 * Undefined if it can't be downloaded.
 */
async function officialPlugin(command: string, name: string, temporary: string): Promise<Plugin | undefined> {
    const folder = join(process.env.PULUMI_HOME ?? join(homedir(), ".pulumi"), "plugins", pluginFolder(name));
    if (!existsSync(folder) && !command.startsWith(cache)) {
        const { version } = require(`@pulumi/${name}/package.json`) as { version: string };
        await execa(command, ["plugin", "install", "resource", name, version], {
            env: { TMPDIR: temporary },
            reject: false,
            timeout: 300_000,
        });
    }
    const provide = (target: string) => {
        for (const file of readdirSync(folder)) {
            symlinkSync(join(folder, file), join(target, file));
        }
    };
    return existsSync(folder) ? { provide } : undefined;
}

/** Creates the stack in the temporary backend. Returns the path of its stack file, which is in `folder`, not in the clone. */
export async function makeStack(engine: Engine, folder: string, stack: string, { config, secrets }: Completed): Promise<string> {
    const project = join(folder, "project");
    mkdirSync(project);
    writeFileSync(join(project, "Pulumi.yaml"), "name: sms\nruntime: nodejs\n");
    await execa(engine.command, ["stack", "init", stack, "--non-interactive", "--no-select"], { env: engine.env, cwd: project });
    const file = join(folder, `Pulumi.${stack}.yaml`);
    renameSync(join(project, `Pulumi.${stack}.yaml`), file);
    writeFileSync(file, readFileSync(file, "utf8") + stackFileText({ config }));
    const pairs = Object.entries(secrets).flatMap(([key, value]) => ["--secret", `${key}=${value}`]);
    if (pairs.length > 0) {
        // These are placeholders; a real secret would never be an argument.
        const setAll = ["config", "set-all", "--path", ...pairs, "--stack", stack, "--config-file", file, "--non-interactive"];
        await execa(engine.command, setAll, { env: engine.env, cwd: clone });
    }
    return file;
}
