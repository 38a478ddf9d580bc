/** Finds a stack's cluster in the stack's own state. kubectl's current context is never used. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { execa } from "execa";
import type { StackName } from "../cli/stackName";
import { onPath, pulumiCommand } from "../toolchain/commands";
import { clone, kubeconfig as machineKubeconfig, ownContext } from "../toolchain/places";
import { onStack } from "./engine";
import { isOfMachine } from "./machineStacks";
import { OperationError } from "./operation";

/** The namespace where the last `up` deployed the web, and its access to that cluster. */
export interface Place {
    readonly namespace: string;
    readonly context?: string;
    /** The path of a kubeconfig file, or its content. */
    readonly kubeconfig?: string;
}

/** A command with its first arguments. */
export type Command = readonly [string, ...string[]];

/** Runs the engine and kubectl on a stack. */
export class StackCluster {
    private constructor(
        /** Runs `pulumi`. For a stack of the machine it is the machine's own command, which knows the backend. */
        readonly pulumi: Command,
        /** Arguments for every `pulumi` command. */
        readonly stackArgs: readonly string[],
        private readonly isLocal: boolean,
        private readonly temporary: string,
        private readonly exported: () => Promise<string>,
    ) {}

    static async of(stack: StackName, temporary: string): Promise<StackCluster> {
        const stackArgs = ["--stack", stack.qualified];
        if (isOfMachine(stack)) {
            const exported = async () => {
                // Exports to a file, because the machine's command may print other lines to standard output.
                const file = join(temporary, "state.json");
                await execa(...exec(machine("pulumi"), ["stack", "export", "--show-secrets", "--file", file, ...stackArgs]), {
                    cwd: clone,
                });
                return readFileSync(file, "utf8");
            };
            return new StackCluster(machine("pulumi"), stackArgs, true, temporary, exported);
        }
        const command = await pulumiCommand();
        const exported = async () => (await onStack(command, stack.qualified, temporary)(["stack", "export", "--show-secrets"])).stdout;
        return new StackCluster([command], stackArgs, false, temporary, exported);
    }

    /**
     * kubectl in the stack's cluster and namespace. It is the user's own kubectl; if there is none and the cluster is this machine's, the
     * kubectl in its node.
     */
    async kubectl(): Promise<Command> {
        const place = await this.place();
        if ((await onPath("kubectl")) !== undefined) {
            return ["kubectl", "--namespace", place.namespace, ...this.accessArgs(place)];
        }
        if (!this.isMachines(place)) {
            throw new OperationError("There is no kubectl on the PATH: install it (https://kubernetes.io/docs/tasks/tools/).");
        }
        return [...machine("kubectl"), "--namespace", place.namespace];
    }

    /** The stack's cluster and namespace for Kubernetes' client library. */
    async api(): Promise<{ config: KubeConfig; namespace: string }> {
        const place = await this.place();
        const config = new KubeConfig();
        const file = this.kubeconfigOf(place);
        if (file === undefined) {
            config.loadFromDefault();
        } else {
            config.loadFromFile(file);
        }
        if (place.context !== undefined) {
            config.setCurrentContext(place.context);
        }
        return { config, namespace: place.namespace };
    }

    private async place(): Promise<Place> {
        return placeOfWeb(JSON.parse(await this.exported()));
    }

    private isMachines({ context }: Place): boolean {
        return this.isLocal && context === ownContext;
    }

    private accessArgs(place: Place): string[] {
        const file = this.kubeconfigOf(place);
        return [
            ...(place.context === undefined ? [] : ["--context", place.context]),
            ...(file === undefined ? [] : ["--kubeconfig", file]),
        ];
    }

    /** The path of a kubeconfig file. If the state has the content, it is written to a file that this process deletes when it exits. */
    private kubeconfigOf(place: Place): string | undefined {
        const { kubeconfig } = place;
        if (kubeconfig === undefined) {
            return this.isMachines(place) ? machineKubeconfig : undefined;
        }
        if (!kubeconfig.includes("\n")) {
            return kubeconfig;
        }
        const file = join(this.temporary, "kubeconfig");
        writeFileSync(file, kubeconfig, { mode: 0o600 });
        return file;
    }
}

function machine(script: string): Command {
    return [process.execPath, "-r", "./register.cjs", join("lab", "machine", "main.ts"), script];
}

/** Appends arguments to a command, in the form that `execa` takes. */
export function exec([command, ...first]: Command, args: readonly string[]): [string, string[]] {
    return [command, [...first, ...args]];
}

interface State {
    readonly deployment: {
        readonly resources?: readonly {
            readonly urn: string;
            readonly type: string;
            readonly provider?: string;
            readonly inputs?: {
                readonly metadata?: { readonly name?: string; readonly namespace?: string };
                readonly context?: string;
                readonly kubeconfig?: string | { readonly plaintext: string };
            };
        }[];
    };
}

export function placeOfWeb({ deployment: { resources = [] } }: State): Place {
    const web = resources.find(({ type, inputs }) => type === "kubernetes:apps/v1:Deployment" && inputs?.metadata?.name === "sms-web");
    const provider = resources.find(({ urn }) => web?.provider?.startsWith(`${urn}::`));
    const namespace = web?.inputs?.metadata?.namespace;
    if (namespace === undefined || provider === undefined) {
        throw new OperationError("The stack's state has no sms-web: no `up` has brought it up yet.");
    }
    const { context, kubeconfig } = provider.inputs ?? {};
    if (context === undefined && kubeconfig === undefined) {
        throw new OperationError("The stack's state doesn't say which cluster it is in: run `up` again with this version of the program.");
    }
    // A secret's plain text is JSON.
    return { namespace, context, kubeconfig: typeof kubeconfig === "object" ? JSON.parse(kubeconfig.plaintext) : kubeconfig };
}
