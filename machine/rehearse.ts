/**
 * `npm run rehearse`, `npm run rehearse -- --stack test`: brings a stack file for Alibaba Cloud up on this machine, as it is, with a
 * stand-in for the cloud that really serves (machine/alicloud-provider); looks whether the product works, and takes it all away again.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { exitCode, script, start } from "../cli/command";
import { fileName, stackFlags, stackMeaning } from "../cli/stackName";
import { stackFileAt } from "../operations/stackFile";
import { encrypts } from "../settings/encryptionRules";
import { stackFileText } from "../settings/stackFile";
import { Cloud, type Trouble } from "./alicloud-provider/cloud";
import { cloudFolder, ensureCloud, strangerAddress } from "./alicloud-provider/ground";
import { machineSite } from "./alicloud-provider/sites";
import { authorityFile, ensureAuthority, mongoType, redisType } from "./alicloud-provider/stores";
import { fillsOf, tables } from "./alicloud-provider/table";
import { writeWhole } from "./files";
import { readAgain } from "./halfMade";
import { takeTurn } from "./host";
import { kubectl, loadOntoNode, machineDocker, nodeNetwork, podCidr } from "./kubernetes";
import { basePrefix, clone, kubeconfig, ownContext, ownRegistry, state } from "./places";
import { prepare } from "./prepare";
import { MachineError, say, step, until } from "./progress";
import { registryUser } from "./registry";
import { secret } from "./secrets";
import { clearKilledRun, foreignCloudVariables, type Pulumi, pulumiArgs, runPulumi, type Stack, writeStandIn } from "./stack";
import { collectorVersion } from "./toolchain";

type Block = { [key: string]: Value };
type Value = string | number | boolean | Value[] | Block;
type Config = Record<string, Block>;

/** A stack as its file says it, and what only a user could add. */
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
const machineImages = { python: `${basePrefix}python:3.11`, collector: `${basePrefix}collector:${collectorVersion}` };

function readRehearsal(name: string): Rehearsal {
    const config = stackFileAt(join(clone, `Pulumi.${name}.yaml`)).config as Config;
    const vSwitches = (config["sms:network"]?.vSwitches ?? []) as Block[];
    const isAcr = config["sms:registry"]?.kind === "acr";
    const ships = Boolean((config["sms:logs"]?.ship as Block | undefined)?.to);
    const isGiven = config["sms:network"]?.kind === "existing";
    const environment = String(config["sms:environment"]);
    const isEncrypted = ["sms:redis", "sms:mongo"].some((store) =>
        encrypts({ tls: config[store]?.tls as boolean | undefined }, environment),
    );
    const additions: Record<string, string> = {
        ...(config["sms:cluster"]?.kind === "ack" ? { "sms:cluster.id": clusterId } : { "sms:cluster.context": ownContext }),
        ...(isGiven ? { "sms:network.vpcId": "vpc-rehearsal" } : {}),
        ...Object.fromEntries(isGiven ? vSwitches.map((_, index) => [`sms:network.vSwitches[${index}].id`, `vsw-rehearsal${index}`]) : []),
        ...(isAcr ? { "sms:registry.instanceId": "cri-rehearsal", "sms:registry.instanceName": instanceName } : {}),
        "sms:registry.username": registryUser,
        ...(ships ? { "sms:logs.ship.to.project": "sms-rehearsal", "sms:logs.ship.to.accessKeyId": logKey } : {}),
        ...(isEncrypted ? { [caKey]: authorityFile({ folder: cloudFolder }) } : {}),
        // Docker Hub's images, as this machine makes them.
        "sms:image.baseImage": machineImages.python,
        ...(ships ? { "sms:logs.ship.image": machineImages.collector } : {}),
    };
    const secrets: Record<string, string> = {
        "sms:registryPassword": secret("registry-password"),
        "sms:redisPassword": storePassword(`${name}-redis`),
        "sms:mongoPassword": storePassword(`${name}-mongo`),
        ...(ships ? { "sms:logsAccessKeySecret": secret("rehearsal-logs-key") } : {}),
        "sms:secretEnv.ALIYUN_ACCESS_KEY_ID": secret("rehearsal-sms-key-id"),
        "sms:secretEnv.ALIYUN_ACCESS_KEY_SECRET": secret("rehearsal-sms-key"),
    };
    const stack = { name: `${name}-rehearsal`, program: clone, file: join(state, `Pulumi.${name}-rehearsal.yaml`) };
    return { stack, config, additions, secrets };
}

/** As the stores want them: of several kinds of characters, and not longer than 32. */
const storePassword = (name: string) => `Aa1-${secret(`rehearsal-${name}`).slice(0, 24)}`;

/** The file's settings and the additions; nothing in the file is changed. */
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

async function ensureRehearsalStack({ command, env }: Pulumi, { stack, config, additions, secrets }: Rehearsal): Promise<void> {
    const project = join(state, "project");
    rmSync(project, { recursive: true, force: true });
    mkdirSync(project, { recursive: true });
    writeFileSync(join(project, "Pulumi.yaml"), "name: sms\nruntime: nodejs\n");
    const has = await execa(command, ["stack", "select", stack.name, "--non-interactive"], { env, cwd: project, reject: false });
    if (has.failed) {
        await execa(command, ["stack", "init", stack.name, "--non-interactive"], { env, cwd: project });
        renameSync(join(project, `Pulumi.${stack.name}.yaml`), stack.file);
    }
    const { encryptionsalt } = stackFileAt(stack.file);
    writeWhole(stack.file, stackFileText({ encryptionsalt, config: added(config, additions) }));
    for (const [key, value] of Object.entries(secrets)) {
        const path = key.includes(".") ? ["--path"] : [];
        const set = ["config", "set", "--secret", ...path, key, "--stack", stack.name, "--config-file", stack.file, "--non-interactive"];
        await execa(command, set, { env, cwd: clone, input: value });
    }
}

/** The stand-in, always: the official plugin would go to the real cloud. */
function placeStandIn(pulumi: Pulumi): void {
    const { version } = require("@pulumi/alicloud/package.json") as { version: string };
    const folder = join(pulumi.env.PULUMI_HOME as string, "plugins", `resource-alicloud-v${version}`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    writeStandIn(folder, "alicloud");
}

/** What is there before the program runs, as the stack file names it. */
function givenBy({ config, additions }: Rehearsal) {
    const region = String(config["sms:alibaba"]?.region);
    const { vSwitches, podCidr: there } = (config["sms:network"] ?? {}) as { vSwitches?: Block[]; podCidr?: string };
    const registry = config["sms:registry"] ?? {};
    return {
        region,
        registryHosts:
            registry.kind === "acr"
                ? ["", "-vpc"].map((suffix) => `${instanceName}-registry${suffix}.${region}.cr.aliyuncs.com`)
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
    const needs = { context: ownContext, registryServer: ownRegistry, images: Object.values(machineImages), nodePort };
    const machine = await prepare(needs);
    if (needs.images.includes(machineImages.collector)) {
        // Anybody may pull the official one; the machine's registry asks for a password that the pods don't have.
        const docker = await machineDocker();
        await docker.run("pull", "--quiet", machineImages.collector);
        await loadOntoNode(docker, [machineImages.collector]);
    }
    const rehearsal = readRehearsal(name);
    const { stack, additions, secrets } = rehearsal;
    await refuseTaken(rehearsal);
    const logKeys = { [logKey]: secret("rehearsal-logs-key") };
    await step("the cloud: registry, logs, names", () =>
        ensureCloud({
            ...givenBy(rehearsal),
            registryUsers: join(state, "registry.htpasswd"),
            logKeys,
        }),
    );
    await ensureAuthority(new Cloud(cloudFolder, machineSite, givenBy(rehearsal).region));
    const keys = { ...foreignCloudVariables(), ALICLOUD_ACCESS_KEY: "rehearsal", ALICLOUD_SECRET_KEY: "rehearsal" };
    const pulumi: Pulumi = { ...machine, env: { ...machine.env, ...keys } };
    placeStandIn(pulumi);
    await ensureRehearsalStack(pulumi, rehearsal);
    say(`\nPulumi.${name}.yaml as it is, and as a user has to add:`);
    for (const [key, value] of Object.entries(additions)) {
        say(`  ${key} = ${value}`);
    }
    for (const key of Object.keys(secrets)) {
        say(`  ${key} = (made up, secret)`);
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
            `\nIt goes on at http://127.0.0.1:${nodePort}. \`npm run rehearse -- --stack ${name}\` without --keep takes it away in the end.`,
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

/** What goes wrong on the way to a first `up`, each once, where the stores aren't there yet. The cloud goes on filling in what it does. */
async function fail(pulumi: Pulumi, rehearsal: Rehearsal): Promise<void> {
    trouble();
    if (storeIds().length > 0) {
        return;
    }
    const busy = "The instance is busy.";
    await step("an `up` that makes a store and doesn't finish it ends with the cloud's reason", async () => {
        trouble({ halfWay: busy });
        const { failed, output } = await quiet(pulumi, rehearsal, up);
        trouble();
        if (!failed || !output.includes(busy) || storeIds().length === 0) {
            throw new MachineError(`It did not: there are ${storeIds().length} stores.\n${output}`);
        }
    });
    const made = storeIds();
    const authority = rehearsal.additions[caKey];
    if (authority !== undefined) {
        await step("with another authority's certificates the next one ends before any pod is rolled", async () => {
            await readHalfMade(pulumi, rehearsal);
            await setAuthority(pulumi, rehearsal, "operations/placeholderCa.pem");
            const { failed, output } = await quiet(pulumi, rehearsal, up);
            await setAuthority(pulumi, rehearsal, authority);
            const refused = new Set(output.match(/(Redis|MongoDB): FAILED: TLS: the certificate of .+? is not accepted/g));
            if (!failed || refused.size < 2) {
                throw new MachineError(`It did not:\n${output}`);
            }
        });
    }
    await step("the store is finished and not replaced", async () => {
        await readHalfMade(pulumi, rehearsal);
        await quiet(pulumi, rehearsal, up).then(refuseFailed);
        if (made.some((id) => !storeIds().includes(id))) {
            throw new MachineError(`There was ${made.join(", ")}, and there is ${storeIds().join(", ")}`);
        }
        return made.join(", ");
    });
}

const storeTypes = [redisType, mongoType];

/** What the cloud does to each store; it fills in what it may in any case. */
function trouble(withStores: Trouble = {}): void {
    const types = Object.keys(tables) as (keyof typeof tables)[];
    const troubles = types.map((type) => [type, { fills: fillsOf(type), ...(storeTypes.includes(type) ? withStores : {}) }]);
    writeWhole(join(cloudFolder, "trouble.json"), JSON.stringify(Object.fromEntries(troubles)));
}

async function setAuthority({ command, env }: Pulumi, { stack }: Rehearsal, file: string): Promise<void> {
    await execa(command, pulumiArgs(stack, ["config", "set", "--path", caKey, file]), { env, cwd: stack.program });
}

/** The stack's namespace and port may be another stack's. */
async function refuseTaken({ stack, config }: Rehearsal): Promise<void> {
    const namespace = String(config["sms:namespace"] ?? "sms");
    const isThere = (await kubectl("get", "namespace", namespace, "--ignore-not-found", "-o", "name")) !== "";
    const isOurs = readdirSync(state).includes(`Pulumi.${stack.name}.yaml`);
    if (isThere && !isOurs) {
        throw new MachineError(
            `Another stack is in the namespace ${namespace} of this machine, and the rehearsal needs it and its port: \`npm run pulumi -- destroy --yes\` removes the local one.`,
        );
    }
}

async function check(pulumi: Pulumi, rehearsal: Rehearsal, nodePort: number): Promise<void> {
    const address = `http://127.0.0.1:${nodePort}`;
    const text = `rehearsal ${Date.now()}`;
    let id = "";
    await step("a message that is posted becomes sent", async () => {
        await until(
            async () => (await fetch(`${address}/readyz`).catch(() => undefined))?.ok === true,
            180,
            () => `no readiness at ${address}/readyz`,
        );
        const body = JSON.stringify({ to: "+8613800138000", text });
        const posted = await fetch(`${address}/messages`, { method: "POST", headers: { "content-type": "application/json" }, body });
        id = ((await posted.json()) as { id: string }).id;
        let last = "";
        await until(
            async () => {
                last = await (await fetch(`${address}/messages/${id}`)).text();
                return (JSON.parse(last) as { status: string }).status === "sent";
            },
            60,
            () => `not sent after 60 s: ${last}`,
        );
    });
    await step("the stores let in nobody who isn't on their whitelists", async () => {
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

/** The stores, as the cloud has them. */
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

/** Whether it takes a connection from the node that comes from an address which no whitelist names. */
async function answersStranger(host: string, port: number): Promise<boolean> {
    const knock = `require("node:net").createConnection(${JSON.stringify({ host, port, localAddress: strangerAddress })}, () => process.exit(0))
        .setTimeout(2000, () => process.exit(1)).on("error", () => process.exit(1))`;
    const [first = "", ...rest] = [...(await nodeNetwork()), process.execPath, "-e", knock];
    return !(await execa(first, rest, { reject: false })).failed;
}

/** The documented way to remove what is protected, each step of which is needed. */
async function takeAway(pulumi: Pulumi, rehearsal: Rehearsal, nodePort: number): Promise<void> {
    const address = `http://127.0.0.1:${nodePort}`;
    const { stack, config } = rehearsal;
    // With its preview, which refuses before anything is touched: without it the pods would be gone and the stores not.
    const destroy = () => quiet(pulumi, rehearsal, ["destroy", "--yes", "--non-interactive"]);
    if (String(config["sms:environment"]) === "online") {
        await step("destroy is refused while anything is protected", async () => {
            const { failed, output } = await destroy();
            if (!failed || !/protect/.test(output)) {
                throw new MachineError(`destroy was not refused:\n${output}`);
            }
            const ready = await fetch(`${address}/readyz`).catch(() => undefined);
            if (ready?.ok !== true) {
                throw new MachineError(`${address}/readyz doesn't answer any more, though destroy was refused`);
            }
        });
        await step("sms:protect false in the stack file, and an up without the policies, which refuse that", async () => {
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

/** Why pods found no place, with what is asked and what is there. */
async function sayUnschedulable(): Promise<void> {
    const pending = await kubectl("get", "pods", "--all-namespaces", "--field-selector=status.phase=Pending", "-o", "name").catch(() => "");
    if (pending !== "") {
        say(`\nPods without a place:\n${pending}`);
        say((await kubectl("describe", "nodes")).replace(/^[\s\S]*?(Non-terminated Pods)/, "$1"));
    }
}

start(
    script("rehearse", "Brings a stack for Alibaba Cloud up on this machine, looks whether the product works, and removes it again.")
        .option(stackFlags, stackMeaning, fileName, "online")
        .option("--keep", "leave the stack up")
        .action(exitCode(rehearse)),
);
