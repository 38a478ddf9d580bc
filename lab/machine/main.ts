/** `npm run up`, `dev`, `down`, `status`, `pulumi` and `kubectl`: run the product on one machine instead of in the cloud. */
import { existsSync, rmSync } from "node:fs";
import { Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { execa } from "execa";
import { exitCode, passThrough, script, start } from "../../cli/command";
import { inForeground } from "../../cli/foreground";
import { say } from "../../cli/say";
import { stackFlags } from "../../cli/stackName";
import { onPath } from "../../toolchain/commands";
import { cache, dockerData, kubeconfig, network, nodeName, ownContext, registryContainer, run, state } from "../../toolchain/places";
import { MachineError, step, until } from "../../toolchain/progress";
import { removeCloud } from "../rehearsal/alicloud-provider/ground";
import { statusOf, tokenOf } from "./client";
import { stopAll } from "./daemons";
import { follow, liveReload } from "./dev";
import { presentDocker } from "./docker";
import { targetOf } from "./engineTarget";
import { takeTurn } from "./host";
import { kubectl, machineDocker, removeCluster } from "./kubernetes";
import { unmountBelow } from "./mounts";
import { removeDockerNetwork } from "./network";
import { machineOn } from "./owner";
import { prepare, prepared } from "./prepare";
import { removeRegistry } from "./registry";
import {
    clearKilledRun,
    ensureStack,
    localStack,
    type Needs,
    pulumiArgs,
    readNeeds,
    runPulumi,
    type Stack,
    stackNamed,
    stackNames,
} from "./stack";

/** Brings up the machine, and deploys the stack with its file's settings and `changes`. Returns the engine's exit code. */
async function deploy(stack: Stack, changes: Record<string, unknown> = {}): Promise<number> {
    const endTurn = await takeTurn();
    const pulumi = await prepare(readNeeds(stack), (engine) => ensureStack(engine, stack, changes));
    await clearKilledRun(pulumi, stack);
    const failed = await runPulumi(pulumi, stack, ["up", "--yes", "--skip-preview", "--non-interactive"]);
    endTurn();
    return failed;
}

async function up({ stack }: { stack: Stack }): Promise<number> {
    const failed = await deploy(stack);
    if (failed !== 0) {
        return failed;
    }
    const needs = readNeeds(stack);
    const address = `127.0.0.1:${needs.nodePort}`;
    if (needs.context !== ownContext) {
        // The engine has waited for the pods. A NodePort of this cluster may not answer on this host.
        sayForward(stack, needs);
        return 0;
    }
    // After a power cut, the engine sees no change and doesn't wait, but the pods are still starting.
    await step(`http://${address}/readyz`, () =>
        until(
            async () => (await readiness(needs)) === "200",
            180,
            () => `no readiness after 180 s: see \`npm run status\``,
        ),
    );
    say(`
sms answers on http://${address}
  curl ${address}/healthz
  curl ${address}/messages -H 'Authorization: Bearer ${tokenOf()}' -H 'Content-Type: application/json' -d '{"to": "+8613800138000", "text": "hello"}'
More commands:
  npm run dev                           changes of the code in the running pods, as you write
  npm run status                        what runs
  npm run kubectl -- -n sms get pods    the cluster
  npm run pulumi -- preview             what an \`up\` would change
  npm run down                          removes it all`);
    return 0;
}

/** An `up` whose pods take changed code without a new image. */
async function dev({ stack }: { stack: Stack }): Promise<number> {
    const failed = await deploy(stack, liveReload);
    return failed !== 0 ? failed : follow(stack, readNeeds(stack));
}

function sayForward({ name }: Stack, { context, namespace, nodePort }: Needs): void {
    say(`
sms is ready in the cluster ${context}, on NodePort ${nodePort} of its nodes. From this host:
  kubectl --context ${context} --namespace ${namespace} port-forward service/sms-web 8004
  curl 127.0.0.1:8004/messages -H 'Authorization: Bearer ${tokenOf()}' -H 'Content-Type: application/json' -d '{"to": "+8613800138000", "text": "hello"}'
More commands:
  npm run pulumi -- preview --stack ${name}
  npm run down -- --stack ${name}`);
}

/**
 * With a stack: removes this stack and keeps the machine. Without: removes all stacks and everything that `npm run up` started. Debian
 * packages and the build cache remain.
 */
async function down({ stack }: { stack?: Stack | undefined }): Promise<number> {
    await takeTurn();
    if (!existsSync(stack?.file ?? state)) {
        say("Nothing to remove: `npm run up` has not run here, or `npm run down` has removed everything.");
        return 0;
    }
    say("The data in the in-cluster Redis and MongoDB is deleted with the stack.");
    // The machine's own cluster is removed as a whole. In another cluster, each of the stack's resources must be removed.
    const elsewhere = stackNames()
        .map(stackNamed)
        .filter((made) => existsSync(made.file) && readNeeds(made).context !== ownContext);
    for (const each of stack === undefined ? elsewhere : [stack]) {
        const failed = await removeStack(each);
        if (failed !== 0) {
            return failed;
        }
    }
    if (stack !== undefined) {
        say(`Removed. Pulumi.${stack.name}.yaml remains; \`npm run down\` without --stack removes the machine.`);
        return 0;
    }
    await step("removing the machine", async () => {
        const docker = await presentDocker();
        await removeCloud();
        if (docker !== undefined && (await machineOn(docker)) === "own") {
            await removeCluster(docker);
            await removeRegistry(docker);
            await docker.run("network", "rm", network);
        }
        await stopAll();
        for (const folder of [run, dockerData]) {
            await unmountBelow(folder);
        }
        await removeDockerNetwork();
        rmSync(run, { recursive: true, force: true });
        rmSync(state, { recursive: true, force: true });
    });
    say(`Removed. Builds and images remain in ${cache} for the next \`npm run up\`; to build everything again, remove that folder.`);
    return 0;
}

/** Removes the stack's resources and the stack. */
async function removeStack(stack: Stack): Promise<number> {
    const pulumi = await prepared(stack);
    await clearKilledRun(pulumi, stack);
    const failed = await runPulumi(pulumi, stack, ["destroy", "--yes", "--skip-preview", "--non-interactive"]);
    if (failed === 0) {
        await execa(pulumi.command, pulumiArgs(stack, ["stack", "rm", "--yes"]), { env: pulumi.env, cwd: stack.program });
        rmSync(stack.file);
    }
    return failed;
}

async function status({ stack }: { stack: Stack }): Promise<number> {
    const docker = await presentDocker();
    for (const container of [nodeName, registryContainer]) {
        say(`${container.padEnd(28)} ${(await docker?.stateOf(container)) ?? "not there"}`);
    }
    const needs = readNeeds(stack);
    const looking = ["--namespace", needs.namespace, "get", "deployments,statefulsets,pods", "-o", "wide"];
    if (needs.context !== ownContext) {
        say(`\nStack ${stack.name} is in the cluster ${needs.context}:`);
        return inForeground("kubectl", ["--context", needs.context, ...looking], {});
    }
    if ((await docker?.stateOf(nodeName)) === "running") {
        say("");
        say(await kubectl(...looking));
    }
    say(`\n/readyz on 127.0.0.1:${needs.nodePort}: ${await readiness(needs)}`);
    return 0;
}

/** The status code of the product's readiness path on the NodePort, or "no answer". */
async function readiness({ nodePort }: Needs): Promise<string> {
    return `${(await statusOf(`http://127.0.0.1:${nodePort}`, "/readyz")) ?? "no answer"}`;
}

async function pulumi(args: string[]): Promise<number> {
    const target = targetOf(args, stackNames());
    const stack = stackNamed(target.stack);
    const engine = await prepared(stack);
    if (!existsSync(stack.file)) {
        // Settings and secrets can be set before the first `up`.
        await ensureStack(engine, stack);
    }
    return runPulumi(engine, stack, target.args);
}

/** Runs the user's own kubectl, which can read the user's files. If there is none, runs the node's. */
async function passToKubectl(args: string[]): Promise<number> {
    if (!existsSync(kubeconfig)) {
        throw new MachineError(
            "The machine has no cluster: `npm run up` creates it. For a cluster of your own, call kubectl itself with --context.",
        );
    }
    if ((await onPath("kubectl")) !== undefined) {
        return inForeground("kubectl", ["--kubeconfig", kubeconfig, ...args], {});
    }
    const docker = await machineDocker();
    const terminal = process.stdin.isTTY && process.stdout.isTTY ? ["--tty"] : [];
    const inNode = ["exec", "--interactive", ...terminal, nodeName, "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf"];
    return inForeground("docker", [...inNode, ...args], { env: docker.env });
}

/** Brings the machine up without a stack. The tests on the real cluster start from this. */
async function machine(): Promise<number> {
    await takeTurn();
    await prepare(readNeeds(localStack));
    return 0;
}

function stackOption() {
    return new Option(stackFlags, "a stack of this machine; its file has sms:environment: local").argParser((name) => {
        if (!stackNames().includes(name)) {
            throw new InvalidArgumentError(`This machine has no stack "${name}"; it has ${stackNames().join(", ")}.`);
        }
        return stackNamed(name);
    });
}

const command = new Command("main.ts")
    .enablePositionalOptions()
    .addCommand(
        script("up", "Brings up this machine, and deploys a stack on it as its stack file says.")
            .addOption(stackOption().default(localStack, "local"))
            .action(exitCode(up)),
    )
    .addCommand(
        script("dev", "Deploys a stack on this machine, then writes each change of the app's code into its running pods.")
            .addOption(stackOption().default(localStack, "local"))
            .action(exitCode(dev)),
    )
    .addCommand(script("machine", "Brings up this machine without a stack.").action(exitCode(machine)))
    .addCommand(
        script(
            "down",
            "Removes all stacks of this machine with their data, and everything that `npm run up` started; with --stack, only that stack.",
        )
            .addOption(stackOption())
            .action(exitCode(down)),
    )
    .addCommand(
        script("status", "Shows what runs on this machine, and whether the product is ready.")
            .addOption(stackOption().default(localStack, "local"))
            .action(exitCode(status)),
    )
    .addCommand(
        passThrough("pulumi", "Runs a command of the engine on a stack of this machine: local, or --stack NAME.").action(exitCode(pulumi)),
    )
    .addCommand(passThrough("kubectl", "Runs kubectl on this machine's cluster.").action(exitCode(passToKubectl)));

start(command);
