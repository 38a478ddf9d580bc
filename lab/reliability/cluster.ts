import { readdirSync, readFileSync } from "node:fs";
import { until } from "../../toolchain/progress";
import { applyIn, kubectl } from "../machine/kubernetes";

export interface Container {
    name: string;
    containerID?: string;
    restartCount: number;
    ready: boolean;
    state: { running?: object; waiting?: { reason: string }; terminated?: { reason: string } };
    lastState: { terminated?: { reason: string; exitCode: number } };
}

export interface Pod {
    metadata: { name: string; uid: string; labels: Record<string, string>; deletionTimestamp?: string };
    spec: { containers: { name: string; image: string }[] };
    status: { phase: string; reason?: string; message?: string; podIP?: string; containerStatuses?: Container[] };
}

export const pause = (seconds: number) => new Promise<void>((passed) => setTimeout(passed, seconds * 1000));

/** One namespace of the cluster, read and changed by kubectl, as an operator does. */
export class Namespace {
    constructor(readonly name: string) {}

    kubectl(...args: string[]): Promise<string> {
        return kubectl("--namespace", this.name, ...args);
    }

    apply(objects: readonly object[]): Promise<void> {
        return applyIn(this.name, objects);
    }

    async get<T>(...what: string[]): Promise<T> {
        return JSON.parse(await this.kubectl("get", ...what, "--output", "json")) as T;
    }

    async has(kind: string, name: string): Promise<boolean> {
        return (await this.kubectl("get", kind, name, "--ignore-not-found")) !== "";
    }

    async pods(app: string): Promise<Pod[]> {
        return (await this.get<{ items: Pod[] }>("pods", "--selector", `app=${app}`)).items;
    }

    /** The running pods that are not being deleted. */
    async livingPods(app: string): Promise<Pod[]> {
        return (await this.pods(app)).filter(
            ({ metadata, status }) => metadata.deletionTimestamp === undefined && status.phase === "Running",
        );
    }

    async rollOut(...deployments: string[]): Promise<void> {
        for (const deployment of deployments) {
            await this.kubectl("rollout", "restart", `deployment/${deployment}`);
        }
        await this.rolledOut(...deployments);
    }

    async rolledOut(...deployments: string[]): Promise<void> {
        for (const deployment of deployments) {
            await this.kubectl("rollout", "status", `deployment/${deployment}`, "--timeout=300s");
        }
    }

    /** Waits until no pod is being deleted any more, for 240 s at most. */
    async drained(app: string): Promise<void> {
        await until(
            async () => (await this.pods(app)).every(({ metadata }) => metadata.deletionTimestamp === undefined),
            240,
            () => `pods of ${app} don't end`,
        );
    }

    /** Creates the same pods under another name, so that no Service selects them. */
    async copyDeployment(deployment: string, name: string): Promise<void> {
        const { apiVersion, kind, spec } = await this.get<{ apiVersion: string; kind: string; spec: DeploymentSpec }>(
            "deployment",
            deployment,
        );
        const { metadata } = spec.template;
        const template = { ...spec.template, metadata: { ...metadata, labels: { ...metadata.labels, app: name } } };
        await this.apply([{ apiVersion, kind, metadata: { name }, spec: { ...spec, selector: { matchLabels: { app: name } }, template } }]);
        await this.rolledOut(name);
    }

    /** Waits until the app has no pods, for 240 s at most. */
    async gone(app: string): Promise<void> {
        await until(
            async () => (await this.pods(app)).length === 0,
            240,
            () => `pods of ${app} don't end`,
        );
    }

    async scale(kind: "deployment" | "statefulset", name: string, replicas: number): Promise<void> {
        await this.kubectl("scale", `${kind}/${name}`, `--replicas=${replicas}`);
    }

    /**
     * Changes the pod template of a Deployment and waits for the rollout. Returns a function that restores the old template.
     * It uses a JSON patch, so that the unchanged fields keep their owners.
     */
    async changePods(deployment: string, change: (template: PodTemplate) => void): Promise<() => Promise<void>> {
        const { spec } = await this.get<{ spec: { template: PodTemplate } }>("deployment", deployment);
        const before = structuredClone(spec.template);
        change(spec.template);
        const replace = async (template: PodTemplate) => {
            const patch = [{ op: "replace", path: "/spec/template", value: template }];
            await this.kubectl("patch", "deployment", deployment, "--type=json", `--patch=${JSON.stringify(patch)}`);
            await this.rolledOut(deployment);
            await this.drained(deployment);
        };
        await replace(spec.template);
        return () => replace(before);
    }
}

interface DeploymentSpec {
    template: PodTemplate & { metadata: { labels: Record<string, string> } };
}

export interface PodTemplate {
    spec: {
        containers: {
            name: string;
            args?: string[];
            resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
            env?: { name: string; value?: string }[];
            lifecycle?: object;
            readinessProbe?: object;
            startupProbe?: object;
            livenessProbe?: object;
        }[];
        terminationGracePeriodSeconds?: number;
    };
}

/** Ends all processes of a container with SIGKILL, as the kernel does when memory runs out. Returns whether it found any. */
export function killContainer({ containerID }: Container): boolean {
    const id = containerID?.split("//")[1];
    if (id === undefined || id.length < 32) {
        return false;
    }
    const pids = readdirSync("/proc").filter((entry) => {
        try {
            return /^\d+$/.test(entry) && readFileSync(`/proc/${entry}/cgroup`, "utf8").includes(id);
        } catch {
            return false; // The process ended during the search.
        }
    });
    for (const pid of pids) {
        try {
            process.kill(Number(pid), "SIGKILL");
        } catch {
            // The process has already ended.
        }
    }
    return pids.length > 0;
}
