/** `npm run up`, `down`, `status`, `pulumi` and `kubectl`: one machine that stands in for the cloud. */
import { existsSync, rmSync } from "node:fs";
import { Command } from "@commander-js/extra-typings";
import { execa } from "execa";
import { exitCode, passThrough, script, start } from "../cli/command";
import { inForeground } from "../cli/foreground";
import { removeCloud } from "./alicloud-provider/ground";
import { stopAll } from "./daemons";
import { presentDocker } from "./docker";
import { targetOf } from "./engineTarget";
import { takeTurn } from "./host";
import { kubectl, machineDocker, removeCluster } from "./kubernetes";
import { unmountBelow } from "./mounts";
import { removeDockerNetwork } from "./network";
import { machineOn } from "./owner";
import { cache, dockerData, kubeconfig, network, nodeName, ownContext, registryContainer, run, state } from "./places";
import { prepare, prepared } from "./prepare";
import { say, step, until } from "./progress";
import { removeRegistry } from "./registry";
import { clearKilledRun, ensureStack, localStack, type Needs, readNeeds, runPulumi, stackNamed, stackNames } from "./stack";

async function up(): Promise<number> {
    const needs = readNeeds();
    await takeTurn();
    const pulumi = await prepare(needs, (engine) => ensureStack(engine, localStack));
    await clearKilledRun(pulumi, localStack);
    const failed = await runPulumi(pulumi, localStack, ["up", "--yes", "--skip-preview", "--non-interactive"]);
    if (failed !== 0) {
        return failed;
    }
    const address = `127.0.0.1:${needs.nodePort}`;
    // After a power cut nothing has changed for the engine, and the pods are still on their way up.
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
  curl ${address}/messages -H 'Content-Type: application/json' -d '{"to": "+8613800138000", "text": "hello"}'
Look further:
  npm run status                        what runs
  npm run kubectl -- -n sms get pods    the cluster
  npm run pulumi -- preview             what an \`up\` would change
  npm run down                          removes it all`);
    return 0;
}

/** Removes the stack and what `npm run up` started. Installed Debian packages and the cache of builds stay. */
async function down(): Promise<number> {
    const needs = readNeeds();
    await takeTurn();
    if (!existsSync(state)) {
        say("Nothing to remove: `npm run up` has not run here, or `npm run down` has.");
        return 0;
    }
    const ownCluster = needs.context === ownContext;
    say("The data in the in-cluster Redis and MongoDB goes with the stack.");
    // The cluster of our own goes as a whole; in anybody else's, each of the stack's resources must be removed.
    if (!ownCluster) {
        const pulumi = await prepared();
        await clearKilledRun(pulumi, localStack);
        const failed = await runPulumi(pulumi, localStack, ["destroy", "--yes", "--skip-preview", "--non-interactive"]);
        if (failed !== 0) {
            return failed;
        }
    }
    await step("removing what was started", async () => {
        const docker = await presentDocker();
        await removeCloud();
        if (docker !== undefined && (await machineOn(docker)) === "own") {
            if (ownCluster) {
                await removeCluster(docker);
            }
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
    say(`Gone. Builds and images stay in ${cache} for the next \`npm run up\`; remove that folder to start from nothing.`);
    return 0;
}

async function status(): Promise<number> {
    const docker = await presentDocker();
    for (const container of [nodeName, registryContainer]) {
        say(`${container.padEnd(28)} ${(await docker?.stateOf(container)) ?? "not there"}`);
    }
    const needs = readNeeds();
    if (needs.context === ownContext && (await docker?.stateOf(nodeName)) === "running") {
        say("");
        say(await kubectl("--namespace", "sms", "get", "deployments,statefulsets,pods", "-o", "wide"));
    }
    say(`\n/readyz on 127.0.0.1:${needs.nodePort}: ${await readiness(needs)}`);
    return 0;
}

/** The status code of the product's readiness, as a user of the NodePort gets it. */
async function readiness({ nodePort }: Needs): Promise<string> {
    const url = `http://127.0.0.1:${nodePort}/readyz`;
    return fetch(url, { signal: AbortSignal.timeout(5000) }).then(
        ({ status }) => `${status}`,
        () => "no answer",
    );
}

async function pulumi(args: string[]): Promise<number> {
    const target = targetOf(args, stackNames());
    return runPulumi(await prepared(), stackNamed(target.stack), target.args);
}

/** The user's own kubectl, which sees the user's files; else the node's. */
async function passToKubectl(args: string[]): Promise<number> {
    const { failed } = await execa("kubectl", ["version", "--client"], { reject: false });
    if (!failed) {
        return inForeground("kubectl", ["--kubeconfig", kubeconfig, ...args], {});
    }
    const docker = await machineDocker();
    const terminal = process.stdin.isTTY && process.stdout.isTTY ? ["--tty"] : [];
    const inNode = ["exec", "--interactive", ...terminal, nodeName, "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf"];
    return inForeground("docker", [...inNode, ...args], { env: docker.env });
}

/** Brings the machine up with no stack on it: what the tests on the real cluster start from. */
async function machine(): Promise<number> {
    await takeTurn();
    await prepare(readNeeds());
    return 0;
}

const command = new Command("main.ts")
    .enablePositionalOptions()
    .addCommand(script("up", "Brings this machine and the stack local on it to what Pulumi.local.yaml says.").action(exitCode(up)))
    .addCommand(script("machine", "Brings this machine up, with no stack on it.").action(exitCode(machine)))
    .addCommand(script("down", "Removes the stack local, its data and all that `npm run up` started.").action(exitCode(down)))
    .addCommand(script("status", "Shows what runs on this machine, and whether the product is ready.").action(exitCode(status)))
    .addCommand(
        passThrough("pulumi", "Runs the engine's command on a stack of this machine: local, or --stack NAME.").action(exitCode(pulumi)),
    )
    .addCommand(passThrough("kubectl", "Runs kubectl on this machine's cluster.").action(exitCode(passToKubectl)));

start(command);
