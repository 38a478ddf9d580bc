/**
 * `npm run rehearse`, `npm run rehearse -- --stack test`: deploys an unchanged stack file for Alibaba Cloud on this machine. A stand-in
 * for the cloud (lab/rehearsal/alicloud-provider) runs real stores, a real registry and a real log service. The rehearsal checks whether the
 * product works, and removes everything again.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { exitCode, script, start } from "../../cli/command";
import { say } from "../../cli/say";
import { nameOnly, stackFlags, stackMeaning } from "../../cli/stackName";
import { acrHosts } from "../../components/acrHosts";
import { fillsOf, tables } from "../../operations/alicloud/table";
import { readAgain } from "../../operations/halfMade";
import { stackFileAt, stackFilePath } from "../../operations/stackFile";
import { encrypts } from "../../settings/encryptionRules";
import { isProduction } from "../../settings/production";
import { stackFileText } from "../../settings/stackFile";
import { foreignCloudVariables } from "../../toolchain/foreignVariables";
import { collectorVersion } from "../../toolchain/goModules";
import { basePrefix, clone, kubeconfig, ownContext, ownRegistry, state } from "../../toolchain/places";
import { MachineError, step, until } from "../../toolchain/progress";
import { writeStandIn } from "../../toolchain/standIns";
import { post, statusOf, tokenHashOf, told } from "../machine/client";
import { writeWhole } from "../machine/files";
import { takeTurn } from "../machine/host";
import { kubectl, nodeNetwork, podCidr } from "../machine/kubernetes";
import { prepare } from "../machine/prepare";
import { registryUser, usersFile, withRegistryAddress } from "../machine/registry";
import { secret } from "../machine/secrets";
import { besideProject, clearKilledRun, type Pulumi, pulumiArgs, runPulumi, type Stack, setSecret, stackNamed } from "../machine/stack";
import { Cloud, type Trouble } from "./alicloud-provider/cloud";
import { cloudFolder, ensureCloud, strangerAddress } from "./alicloud-provider/ground";
import { machineSite } from "./alicloud-provider/sites";
import { authorityFile, ensureAuthority, mongoType, redisType } from "./alicloud-provider/stores";

type Block = { [key: string]: Value };
type Value = string | number | boolean | Value[] | Block;
type Config = Record<string, Block>;

/** A stack with the settings of its file, and the settings and secrets that a user has to add. */
interface Rehearsal {
    readonly stack: Stack;
    readonly config: Config;
    readonly additions: Readonly<Record<string, string>>;
    readonly secrets: Readonly<Record<string, string>>;
}

const clusterId = `c${"0".repeat(23)}rehearsal`;
const instanceName = "rehearsal";
const logKey = "rehearsal-logs";
const caKey = "sms:storesCa.file";
/** References in the form of a stack file. */
const machineImages = { python: `${basePrefix}python:3.11`, collector: `${basePrefix}collector:${collectorVersion}` };

function environmentIn(config: Config) {
    const { "sms:environment": environment, "sms:production": production } = config as Record<string, unknown>;
    return { environment: String(environment), production: production === undefined ? undefined : String(production) === "true" };
}

function readRehearsal(name: string): Rehearsal {
    const config = stackFileAt(join(clone, `Pulumi.${name}.yaml`)).config as Config;
    const vSwitches = (config["sms:network"]?.vSwitches ?? []) as Block[];
    const isAcr = config["sms:registry"]?.kind === "acr";
    const ships = Boolean((config["sms:logs"]?.ship as Block | undefined)?.to);
    const isGiven = config["sms:network"]?.kind === "existing";
    const isEncrypted = ["sms:redis", "sms:mongo"].some((store) =>
        encrypts({ tls: config[store]?.tls as boolean | undefined }, environmentIn(config)),
    );
    const additions: Record<string, string> = {
        ...(config["sms:cluster"]?.kind === "ack" ? { "sms:cluster.id": clusterId } : { "sms:cluster.context": ownContext }),
        ...(isGiven ? { "sms:network.vpcId": "vpc-rehearsal" } : {}),
        ...Object.fromEntries(isGiven ? vSwitches.map((_, index) => [`sms:network.vSwitches[${index}].id`, `vsw-rehearsal${index}`]) : []),
        ...(isAcr ? { "sms:registry.instanceId": "cri-rehearsal", "sms:registry.instanceName": instanceName } : {}),
        "sms:registry.username": registryUser,
        ...(ships ? { "sms:logs.ship.to.project": "sms-rehearsal", "sms:logs.ship.to.accessKeyId": logKey } : {}),
        ...(isEncrypted ? { [caKey]: authorityFile({ folder: cloudFolder }) } : {}),
        // This machine's replacements of Docker Hub's images.
        "sms:image.baseImage": machineImages.python,
        ...(ships ? { "sms:logs.ship.image": machineImages.collector } : {}),
    };
    const secrets: Record<string, string> = {
        "sms:registryPassword": secret("registry-password"),
        "sms:redisPassword": storePassword(`${name}-redis`),
        "sms:mongoPassword": storePassword(`${name}-mongo`),
        ...(ships ? { "sms:logsAccessKeySecret": secret("rehearsal-logs-key") } : {}),
        ...Object.fromEntries(clientsIn(config).map((client) => [`sms:clientTokens.${client}`, tokenHashOf(client)])),
        "sms:secretEnv.ALIYUN_ACCESS_KEY_ID": secret("rehearsal-sms-key-id"),
        "sms:secretEnv.ALIYUN_ACCESS_KEY_SECRET": secret("rehearsal-sms-key"),
    };
    const stack = { ...stackNamed(`${name}-rehearsal`), settings: stackFilePath(clone, name) };
    return { stack, config, additions, secrets };
}

function clientsIn(config: Config): string[] {
    return Object.keys(config["sms:clients"] ?? {});
}

/** The stores require passwords of at least three kinds of characters and at most 32 characters. */
const storePassword = (name: string) => `Aa1-${secret(`rehearsal-${name}`).slice(0, 24)}`;

/** The file's settings with the additions. Throws a MachineError if an addition would change a setting of the file. */
function added(config: Config, additions: Readonly<Record<string, string>>): Config {
    const whole = structuredClone(config);
    for (const [path, value] of Object.entries(additions)) {
        const keys = path.replaceAll(/\[(\d+)\]/g, ".$1").split(".");
        const last = keys.pop() as string;
        let block: Block = whole;
        for (const key of keys) {
            block[key] ??= {};
            block = block[key] as Block;
        }
        if (last in block) {
            throw new MachineError(`The stack file has ${path} already; a rehearsal changes nothing in it.`);
        }
        block[last] = value;
    }
    return whole;
}

async function ensureRehearsalStack(pulumi: Pulumi, { stack, config, additions, secrets }: Rehearsal): Promise<void> {
    const { command, env } = pulumi;
    await besideProject(async (project) => {
        const has = await execa(command, ["stack", "select", stack.name, "--non-interactive"], { env, cwd: project, reject: false });
        if (has.failed) {
            await execa(command, ["stack", "init", stack.name, "--non-interactive"], { env, cwd: project });
            renameSync(join(project, `Pulumi.${stack.name}.yaml`), stack.file);
        }
    });
    const { encryptionsalt } = stackFileAt(stack.file);
    writeWhole(stack.file, stackFileText({ encryptionsalt, config: withRegistryAddress(added(config, additions)) }));
    for (const [key, value] of Object.entries(secrets)) {
        await setSecret(pulumi, stack, key, value);
    }
}

/** Installs the stand-in in all cases, because the official plugin would call the real cloud. */
function placeStandIn(pulumi: Pulumi): void {
    const { version } = require("@pulumi/alicloud/package.json") as { version: string };
    const folder = join(pulumi.env.PULUMI_HOME as string, "plugins", `resource-alicloud-v${version}`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    writeStandIn(folder, "alicloud");
}

/** The resources that exist before the program runs, with their names in the stack file. */
function givenBy({ config, additions }: Rehearsal) {
    const region = String(config["sms:alibaba"]?.region);
    const { vSwitches, podCidr: there } = (config["sms:network"] ?? {}) as { vSwitches?: Block[]; podCidr?: string };
    const registry = config["sms:registry"] ?? {};
    return {
        region,
        registryHosts:
            registry.kind === "acr"
                ? Object.values(acrHosts(instanceName, region))
                : [registry.server, registry.pullServer].filter((host): host is string => host !== undefined && host !== ownRegistry),
        given: {
            vSwitches: (vSwitches ?? []).map(({ zone, cidr }, index) => ({
                id: additions[`sms:network.vSwitches[${index}].id`] ?? "",
                vpcId: additions["sms:network.vpcId"] ?? "",
                zoneId: String(zone),
                cidrBlock: String(cidr),
            })),
            clusters: { [clusterId]: kubeconfig },
            registries: ["cri-rehearsal"],
            ...(there === undefined ? {} : { pods: { there, here: podCidr } }),
        },
    };
}

const up = ["up", "--yes", "--skip-preview", "--non-interactive"];

interface Options {
    readonly stack: string;
    readonly keep?: true;
}

async function rehearse({ stack: name, keep }: Options): Promise<number> {
    const begun = performance.now();
    await takeTurn();
    const { config } = stackFileAt(join(clone, `Pulumi.${name}.yaml`));
    const nodePort = Number((config as Config)["sms:web"]?.nodePort ?? 31090);
    const namespace = String((config as Config)["sms:namespace"] ?? "sms");
    const needs = { context: ownContext, registryServer: ownRegistry, images: Object.values(machineImages), namespace, nodePort };
    const machine = await prepare(needs);
    const rehearsal = readRehearsal(name);
    const { stack, additions, secrets } = rehearsal;
    await refuseTaken(rehearsal);
    const logKeys = { [logKey]: secret("rehearsal-logs-key") };
    await step("the cloud: registry, logs, names", () =>
        ensureCloud({
            ...givenBy(rehearsal),
            registryUsers: usersFile(),
            logKeys,
        }),
    );
    await ensureAuthority(new Cloud(cloudFolder, machineSite, givenBy(rehearsal).region));
    const keys = { ...foreignCloudVariables(), ALICLOUD_ACCESS_KEY: "rehearsal", ALICLOUD_SECRET_KEY: "rehearsal" };
    const pulumi: Pulumi = { ...machine, env: { ...machine.env, ...keys } };
    placeStandIn(pulumi);
    await ensureRehearsalStack(pulumi, rehearsal);
    say(`\nThe settings are those of Pulumi.${name}.yaml, and these, which a user has to add:`);
    for (const [key, value] of Object.entries(additions)) {
        say(`  ${key} = ${value}`);
    }
    for (const key of Object.keys(secrets)) {
        say(`  ${key} = (generated secret)`);
    }
    say("");
    await clearKilledRun(pulumi, stack);
    await fail(pulumi, rehearsal);
    await readHalfMade(pulumi, rehearsal);
    if ((await runPulumi(pulumi, stack, [...up, "--policy-pack", "policies"])) !== 0) {
        await sayUnschedulable();
        return 1;
    }
    await check(pulumi, rehearsal, nodePort);
    if (keep) {
        say(
            `\nThe stack still runs at http://127.0.0.1:${nodePort}. \`npm run rehearse -- --stack ${name}\` without --keep removes it at the end.`,
        );
        return 0;
    }
    await takeAway(pulumi, rehearsal, nodePort);
    say(`\nRehearsed ${name} in ${Math.round((performance.now() - begun) / 1000)} s.`);
    return 0;
}

function readHalfMade({ command, env }: Pulumi, { stack }: Rehearsal): Promise<void> {
    return readAgain((args) => execa(command, pulumiArgs(stack, args), { env, cwd: stack.program }), say);
}

/**
 * Simulates each fault that can happen during a first `up`, if the stores don't exist yet. After that, the cloud still fills in the values
 * that it chooses itself.
 */
async function fail(pulumi: Pulumi, rehearsal: Rehearsal): Promise<void> {
    trouble();
    if (storeIds().length > 0) {
        return;
    }
    const busy = "The instance is busy.";
    await step("an `up` that creates a store but doesn't finish it ends with the cloud's reason", async () => {
        trouble({ halfWay: busy });
        const { failed, output } = await quiet(pulumi, rehearsal, up);
        trouble();
        if (!failed || !output.includes(busy) || storeIds().length === 0) {
            throw new MachineError(`The \`up\` did not; there are ${storeIds().length} stores.\n${output}`);
        }
    });
    const made = storeIds();
    await step("plain `pulumi up` says what to do about the store, and changes nothing", async () => {
        const { failed, output } = await quiet(pulumi, rehearsal, up);
        if (!failed || !output.includes("was made in the cloud and not finished") || `${storeIds()}` !== `${made}`) {
            throw new MachineError(`\`pulumi up\` did not:\n${output}`);
        }
    });
    const authority = rehearsal.additions[caKey];
    if (authority !== undefined) {
        await step("with another authority's certificates, the next `up` ends before it rolls out any pod", async () => {
            await readHalfMade(pulumi, rehearsal);
            await setAuthority(pulumi, rehearsal, "operations/placeholderCa.pem");
            const { failed, output } = await quiet(pulumi, rehearsal, up);
            await setAuthority(pulumi, rehearsal, authority);
            const refused = new Set(output.match(/(Redis|MongoDB): FAILED: TLS: the certificate of .+? is not accepted/g));
            if (!failed || refused.size < 2) {
                throw new MachineError(`The \`up\` did not:\n${output}`);
            }
        });
    }
    await step("the store is finished and not replaced", async () => {
        await readHalfMade(pulumi, rehearsal);
        await quiet(pulumi, rehearsal, up).then(refuseFailed);
        if (made.some((id) => !storeIds().includes(id))) {
            throw new MachineError(`The stores were ${made.join(", ")} and now are ${storeIds().join(", ")}`);
        }
        return made.join(", ");
    });
}

const storeTypes = [redisType, mongoType];

/** Sets the troubles of the stores. For all types, the cloud also fills in all values that it may fill in. */
function trouble(withStores: Trouble = {}): void {
    const types = Object.keys(tables) as (keyof typeof tables)[];
    const troubles = types.map((type) => [type, { fills: fillsOf(type), ...(storeTypes.includes(type) ? withStores : {}) }]);
    writeWhole(join(cloudFolder, "trouble.json"), JSON.stringify(Object.fromEntries(troubles)));
}

async function setAuthority({ command, env }: Pulumi, { stack }: Rehearsal, file: string): Promise<void> {
    await execa(command, pulumiArgs(stack, ["config", "set", "--path", caKey, file]), { env, cwd: stack.program });
}

/** Throws a MachineError if another stack uses the namespace. */
async function refuseTaken({ stack, config }: Rehearsal): Promise<void> {
    const namespace = String(config["sms:namespace"] ?? "sms");
    const isThere = (await kubectl("get", "namespace", namespace, "--ignore-not-found", "-o", "name")) !== "";
    const isOurs = readdirSync(state).includes(`Pulumi.${stack.name}.yaml`);
    if (isThere && !isOurs) {
        throw new MachineError(
            `Another stack uses the namespace ${namespace} of this machine, and the rehearsal needs this namespace and its port. \`npm run pulumi -- destroy --yes\` removes the stack local.`,
        );
    }
}

async function check(pulumi: Pulumi, rehearsal: Rehearsal, nodePort: number): Promise<void> {
    const address = `http://127.0.0.1:${nodePort}`;
    const text = `rehearsal ${Date.now()}`;
    let id = "";
    await step("a posted message gets the status sent", async () => {
        await until(
            async () => (await statusOf(address, "/readyz")) === 200,
            180,
            () => `no readiness at ${address}/readyz`,
        );
        const [client] = clientsIn(rehearsal.config);
        const posted = await post(address, { to: "+8613800138000", text }, { client });
        id = ((await posted.json()) as { id: string }).id;
        let last = "";
        await until(
            async () => {
                last = await told(address, id, { client });
                return (JSON.parse(last) as { status: string }).status === "sent";
            },
            60,
            () => `not sent after 60 s: ${last}`,
        );
    });
    await step("the stores refuse addresses that are not on their whitelists", async () => {
        const all = stores();
        for (const {
            inner: {
                place: { address, port },
            },
        } of all) {
            if (await answersStranger(address, port)) {
                throw new MachineError(`${address}:${port} answers ${strangerAddress}, which no whitelist names`);
            }
        }
        return `${all.length} stores`;
    });
    if (rehearsal.additions["sms:logs.ship.to.project"] !== undefined) {
        const project = join(cloudFolder, "logs", rehearsal.additions["sms:logs.ship.to.project"]);
        await step("the message's log lines have arrived in SLS", () =>
            until(
                async () => readdirSync(project).some((store) => readFileSync(join(project, store), "utf8").includes(id)),
                60,
                () => `no line of message ${id} in ${project} after 60 s`,
            ),
        );
    }
    await step("a preview is empty", () =>
        quiet(pulumi, rehearsal, ["preview", "--expect-no-changes", "--non-interactive"]).then(refuseFailed),
    );
}

/** The stores in the stand-in's cloud. */
function stores(): { id: string; inner: { place: { address: string; port: number } } }[] {
    const folder = join(cloudFolder, "holdings");
    const types = existsSync(folder) ? readdirSync(folder).filter((type) => type.endsWith(".instance.Instance")) : [];
    return types.flatMap((type) =>
        readdirSync(join(folder, type)).map((file) => JSON.parse(readFileSync(join(folder, type, file), "utf8"))),
    );
}

const storeIds = () =>
    stores()
        .map(({ id }) => id)
        .sort();

/** Whether the store accepts a connection from an address in the node that is on no whitelist. */
async function answersStranger(host: string, port: number): Promise<boolean> {
    const knock = `require("node:net").createConnection(${JSON.stringify({ host, port, localAddress: strangerAddress })}, () => process.exit(0))
        .setTimeout(2000, () => process.exit(1)).on("error", () => process.exit(1))`;
    const [first = "", ...rest] = [...(await nodeNetwork()), process.execPath, "-e", knock];
    return !(await execa(first, rest, { reject: false })).failed;
}

/** Removes the stack in the documented way for protected resources, and checks that each step is necessary. */
async function takeAway(pulumi: Pulumi, rehearsal: Rehearsal, nodePort: number): Promise<void> {
    const address = `http://127.0.0.1:${nodePort}`;
    const { stack, config } = rehearsal;
    // With its preview, which refuses before any change. Without the preview, the pods would be deleted but not the stores.
    const destroy = () => quiet(pulumi, rehearsal, ["destroy", "--yes", "--non-interactive"]);
    if (isProduction(environmentIn(config))) {
        await step("destroy is refused while anything is protected", async () => {
            const { failed, output } = await destroy();
            if (!failed || !/protect/.test(output)) {
                throw new MachineError(`destroy was not refused:\n${output}`);
            }
            if ((await statusOf(address, "/readyz")) !== 200) {
                throw new MachineError(`${address}/readyz no longer answers, although destroy was refused`);
            }
        });
        await step("`up` with sms:protect false, and without the policies, which refuse that value", async () => {
            const set = pulumiArgs(stack, ["config", "set", "sms:protect", "false"]);
            await execa(pulumi.command, set, { env: pulumi.env, cwd: stack.program });
            await quiet(pulumi, rehearsal, up).then(refuseFailed);
        });
    }
    await step("destroy", () => destroy().then(refuseFailed));
    await step("nothing is left in the cloud", async () => {
        const left = readdirSync(join(cloudFolder, "holdings"), { recursive: true, encoding: "utf8" }).filter((file) =>
            file.endsWith(".json"),
        );
        if (left.length > 0) {
            throw new MachineError(`left: ${left.join(", ")}`);
        }
    });
    await execa(pulumi.command, ["stack", "rm", "--yes", "--stack", stack.name], { env: pulumi.env, cwd: stack.program });
    rmSync(stack.file, { force: true });
}

interface Run {
    failed: boolean;
    output: string;
}

async function quiet({ command, env }: Pulumi, { stack }: Rehearsal, args: readonly string[]): Promise<Run> {
    const { failed, all } = await execa(command, pulumiArgs(stack, args), { env, cwd: stack.program, all: true, reject: false });
    return { failed, output: all };
}

function refuseFailed({ failed, output }: Run): void {
    if (failed) {
        throw new MachineError(output);
    }
}

/** Prints the pods that found no node, with the requests and the capacity of the nodes. */
async function sayUnschedulable(): Promise<void> {
    const pending = await kubectl("get", "pods", "--all-namespaces", "--field-selector=status.phase=Pending", "-o", "name").catch(() => "");
    if (pending !== "") {
        say(`\nPending pods:\n${pending}`);
        say((await kubectl("describe", "nodes")).replace(/^[\s\S]*?(Non-terminated Pods)/, "$1"));
    }
}

start(
    script("rehearse", "Deploys a stack for Alibaba Cloud on this machine, checks whether the product works, and removes it again.")
        .option(stackFlags, stackMeaning, nameOnly, "online")
        .option("--keep", "leave the stack up")
        .action(exitCode(rehearse)),
);
