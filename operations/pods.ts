/** `npm run logs`, `shell` and `forward`: the pods of a stack, in the stack's own cluster. */

import { type AddressInfo, createServer } from "node:net";
import { Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { CoreV1Api, PortForward, type V1Pod } from "@kubernetes/client-node";
import { execa } from "execa";
import { exitCode, script, start } from "../cli/command";
import { inForeground } from "../cli/foreground";
import { type StackName, stackFlags, stackMeaning, stackWithFile } from "../cli/stackName";
import { machineStack } from "../settings/machineStack";
import { clone } from "../toolchain/places";
import { OperationError } from "./operation";
import { exec, type Command as Kubectl, StackCluster } from "./stackCluster";
import { temporaryFolder } from "./temporary";

interface Options {
    readonly stack: StackName;
}

/** Shows the logs of one process, or of all processes of the app. */
async function logs(process: string | undefined, { stack, tail, follow }: Options & { tail: number; follow: boolean }): Promise<number> {
    const kubectl = await (await StackCluster.of(stack, temporaryFolder("logs"))).kubectl();
    const names = await processesIn(kubectl);
    const wanted = process === undefined ? names : [known(process, names)];
    const which = ["--selector", `app in (${wanted.map((name) => `sms-${name}`).join(",")})`, "--max-log-requests", "100"];
    const how = ["--prefix", "--tail", `${tail}`, ...(follow ? ["--follow"] : [])];
    return inForeground(...exec(kubectl, ["logs", ...which, ...how]), { cwd: clone });
}

async function shell(process: string, command: readonly string[], { stack }: Options): Promise<number> {
    const kubectl = await (await StackCluster.of(stack, temporaryFolder("shell"))).kubectl();
    const name = `sms-${known(process, await processesIn(kubectl))}`;
    const terminal = globalThis.process.stdin.isTTY && globalThis.process.stdout.isTTY ? ["--tty"] : [];
    const what = command.length === 0 ? ["sh"] : command;
    return inForeground(...exec(kubectl, ["exec", "--stdin", ...terminal, `deployment/${name}`, "--container", name, "--", ...what]), {
        cwd: clone,
    });
}

/** The processes that have a Deployment: `web`, `worker`, `beat` and further pools of workers. */
async function processesIn(kubectl: Kubectl): Promise<string[]> {
    const { stdout } = await execa(...exec(kubectl, ["get", "deployments", "--output", "json"]), { cwd: clone });
    const { items } = JSON.parse(stdout) as { items: { metadata: { name: string } }[] };
    return items.flatMap(({ metadata: { name } }) => /^sms-(.+)$/.exec(name)?.[1] ?? []).sort();
}

function known(process: string, names: readonly string[]): string {
    if (!names.includes(process)) {
        throw new OperationError(`The stack has no ${process}; it has ${names.join(", ") || "nothing of the app"}.`);
    }
    return process;
}

/** Chooses a ready pod for each new connection. So a rollout ends only the connections that are open at that time. */
async function forward({ stack, port }: Options & { port: number }): Promise<number> {
    const { config, namespace } = await (await StackCluster.of(stack, temporaryFolder("forward"))).api();
    const [pods, tunnel] = [config.makeApiClient(CoreV1Api), new PortForward(config)];
    const server = createServer(async (socket) => {
        socket.on("error", () => socket.destroy());
        try {
            const { items } = await pods.listNamespacedPod({ namespace, labelSelector: "app=sms-web" });
            const pod = items.find(isReady);
            if (pod === undefined) {
                throw new Error("no web pod is ready");
            }
            const [{ containerPort } = { containerPort: 8004 }] = pod.spec?.containers[0]?.ports ?? [];
            await tunnel.portForward(namespace, `${pod.metadata?.name}`, [containerPort], socket, null, socket);
        } catch (error) {
            process.stderr.write(`${(error as Error).message}\n`);
            socket.destroy();
        }
    });
    await new Promise<void>((listening, failed) => {
        server.once("error", (error) =>
            failed(new OperationError(`Cannot listen on 127.0.0.1:${port}: ${error.message}. Choose another port: --port`)),
        );
        server.listen(port, "127.0.0.1", listening);
    });
    process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port} is the web of ${stack.qualified}, until Ctrl-C.\n`);
    return new Promise(() => {});
}

function isReady({ status, metadata }: V1Pod): boolean {
    const isIn = status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false;
    return isIn && metadata?.deletionTimestamp === undefined;
}

function stackOrLocal() {
    return new Option(stackFlags, stackMeaning)
        .argParser(stackWithFile)
        .default({ name: machineStack, qualified: machineStack }, machineStack);
}

function number(least: number, most: number) {
    return (text: string) => {
        if (!/^\d{1,6}$/.test(text) || Number(text) < least || Number(text) > most) {
            throw new InvalidArgumentError(`Allowed: a whole number from ${least} to ${most}.`);
        }
        return Number(text);
    };
}

const processes = "web, worker, beat or another pool of workers";

start(
    new Command("pods.ts")
        .enablePositionalOptions()
        .addCommand(
            script("logs", "Shows the logs of the app's pods in a stack, and follows them.")
                .argument("[process]", `${processes}; all of them by default`)
                .addOption(stackOrLocal())
                .option("--tail <lines>", "the number of earlier lines to show of each pod", number(0, 100_000), 20)
                .option("--no-follow", "end after the earlier lines")
                .action(exitCode(logs)),
        )
        .addCommand(
            script("shell", "Opens a shell in a pod of a stack, or runs a command there.")
                .argument("[process]", processes, "web")
                .argument("[command...]", "a command to run instead of a shell")
                .addOption(stackOrLocal())
                .action(exitCode(shell)),
        )
        .addCommand(
            script("forward", "Forwards a port of this host to the web pods of a stack.")
                .addOption(stackOrLocal())
                .option("--port <port>", "the port on this host's 127.0.0.1", number(0, 65_535), 8004)
                .action(exitCode(forward)),
        ),
);
