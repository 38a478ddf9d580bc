import { until } from "../../../toolchain/progress";
import { kubectl } from "../../machine/kubernetes";
import { type Pod, pause } from "../cluster";
import type { Count, Experiment, Form, Side, Stage, Trial } from "../experiment";
import { Attack, failureNotes, isFailed, write } from "../load";
import type { Origin } from "../origin";
import type { Product } from "../product";

const web = "sms-web";

async function trial(stage: Stage, side: Side, _form: Form): Promise<Trial> {
    if (side.kind === "origin") {
        return tooBigForOrigin(await stage.origin());
    }
    const product = await stage.product();
    if (side.kind === "without") {
        return tooBig(product, side);
    }
    const trials = [await tooBig(product, side), await memoryEaten(product, side), await diskFilled(product, side)];
    return { counts: trials.flatMap(({ counts }) => counts), notes: trials.flatMap(({ notes }) => notes ?? []) };
}

const doesNotFit = "web pods request more CPU than the node has";
/** The node has 2 cores. */
const tooManyCores = "1900m";

/** Runs an `up` whose pods don't fit on the node. */
async function tooBig(product: Product, side: Side): Promise<Trial> {
    const { stack, cluster } = product;
    if (side.kind === "without") {
        product.stack.edit("index.ts", (code) =>
            code.replace(
                /import (\{[^}]*\}) from "\.\/preflight";/,
                'import * as unchecked from "./preflight";\nconst $1 = { ...unchecked, preflight: async () => ({}) };',
            ),
        );
    }
    const before = await cluster.kubectl("get", "deployments", "--output=jsonpath={.items[*].metadata.generation}");
    try {
        await product.configure({
            web: { resources: { requests: { cpu: tooManyCores }, limits: { cpu: "2" } }, rolloutTimeoutSeconds: 30 },
        });
        const { answers, result } = await whileWatched(product.address, async () => stack.up());
        const after = await cluster.kubectl("get", "deployments", "--output=jsonpath={.items[*].metadata.generation}");
        const pending = (await cluster.pods(web)).filter(({ status }) => status.phase === "Pending").length;
        const counts: Count[] = [
            { group: doesNotFit, what: "the change was deployed (1 = yes)", value: before === after ? 0 : 1, goal: 0 },
            { group: doesNotFit, what: "Pending pods", value: pending, goal: 0 },
            { group: doesNotFit, what: "failed requests", value: answers.filter(isFailed).length, goal: 0 },
            {
                group: doesNotFit,
                what: "outputs of `up` that do not name the free CPU",
                value: /free/.test(result.output) ? 0 : 1,
                goal: 0,
            },
        ];
        return { counts, notes: failureNotes(side, doesNotFit, answers) };
    } finally {
        stack.restore("index.ts");
        await product.configure();
        await product.up();
    }
}

async function tooBigForOrigin({ cluster, address }: Origin): Promise<Trial> {
    const patch = [
        {
            op: "replace",
            path: "/spec/template/spec/containers/0/resources",
            value: { requests: { cpu: tooManyCores }, limits: { cpu: "2" } },
        },
    ];
    const { answers } = await whileWatched(address, async () => {
        await cluster.kubectl("patch", "deployment", web, "--type=json", `--patch=${JSON.stringify(patch)}`);
        await pause(20);
    });
    const pending = (await cluster.pods(web)).filter(({ status }) => status.phase === "Pending").length;
    await cluster.kubectl("rollout", "undo", `deployment/${web}`);
    await cluster.rolledOut(web);
    const counts: Count[] = [
        { group: doesNotFit, what: "the change was deployed (1 = yes)", value: 1, goal: 0 },
        { group: doesNotFit, what: "Pending pods", value: pending, goal: 0 },
        { group: doesNotFit, what: "failed requests", value: answers.filter(isFailed).length, goal: 0 },
    ];
    return { counts, notes: failureNotes({ kind: "origin" }, doesNotFit, answers) };
}

/** Each worker uses more memory than its limit allows. */
async function memoryEaten({ cluster, address }: Product, side: Side): Promise<Trial> {
    const group = "the workers exceed their memory limit";
    const restore = await cluster.changePods("sms-worker", ({ spec }) => {
        for (const container of spec.containers) {
            container.args = [
                "sh",
                "-c",
                'if mkdir /tmp/eaten; then exec python3 -c "x = str(1) * 2 ** 31"; fi; exec "$0" "$@"',
                ...(container.args ?? []),
            ];
        }
    });
    try {
        const { answers } = await whileWatched(address, () => pause(20));
        const pods = await cluster.livingPods("sms-worker");
        const told = pods.filter((pod) => pod.status.containerStatuses?.[0]?.lastState.terminated?.reason === "OOMKilled").length;
        const counts: Count[] = [
            { group, what: "worker pods that did not end with the reason OOMKilled", value: pods.length - told, goal: 0 },
            {
                group,
                what: "other containers that ended with the reason OOMKilled",
                value: await restarts(cluster.pods.bind(cluster), web, "sms-beat", "redis", "mongo"),
                goal: 0,
            },
            { group, what: "failed requests", value: answers.filter(isFailed).length, goal: 0 },
        ];
        return { counts, notes: failureNotes(side, group, answers) };
    } finally {
        await restore();
    }
}

async function restarts(pods: (app: string) => Promise<Pod[]>, ...apps: string[]): Promise<number> {
    const all = (await Promise.all(apps.map(pods))).flat();
    return all
        .flatMap(({ status }) => status.containerStatuses ?? [])
        .filter(({ lastState }) => lastState.terminated?.reason === "OOMKilled").length;
}

/** Fills one web pod's log volume beyond its limit. */
async function diskFilled({ cluster, address }: Product, side: Side): Promise<Trial> {
    const group = "a web pod exceeds the limit of its log volume";
    const [pod] = await cluster.livingPods(web);
    const name = pod?.metadata.name as string;
    let message = "";
    const { answers } = await whileWatched(address, async () => {
        await cluster.kubectl("exec", name, "--container", web, "--", "dd", "if=/dev/zero", "of=/var/log/sms/full", "bs=1M", "count=200");
        await until(
            async () => {
                const [evicted] = (await cluster.pods(web)).filter(({ metadata }) => metadata.name === name);
                message = evicted === undefined ? message : (evicted.status.message ?? message);
                // An eviction leaves the server one second. If it ends within that time, the pod's phase is Succeeded.
                return evicted === undefined || ["Failed", "Succeeded"].includes(evicted.status.phase);
            },
            180,
            () => `${name} was not evicted`,
        );
        await cluster.rolledOut(web);
    });
    const event = await kubectl(
        "--namespace",
        cluster.name,
        "get",
        "events",
        "--field-selector=reason=Evicted",
        "--output=jsonpath={.items[*].message}",
    );
    const counts: Count[] = [
        { group, what: "evictions that do not name the volume", value: /log-dir/.test(`${message} ${event}`) ? 0 : 1, goal: 0 },
        { group, what: "failed requests until the pod was replaced", value: answers.filter(isFailed).length },
        { group, what: "requests until the pod was replaced", value: answers.length },
    ];
    return { counts, notes: failureNotes(side, group, answers) };
}

/** Runs `work` under load and collects the answers of that time. */
function whileWatched<T>(address: string, work: () => Promise<T>) {
    return Attack.during({ requests: [write(address)], rate: 20, seconds: 600, keepAlive: false }, work);
}

export const pressure: Experiment = {
    name: "pressure",
    title: "Exceeded limits of CPU, memory and disk",
    method: [
        "20 requests per second arrive during three faults:",
        [
            "- An `up` requests more CPU than the node has.",
            "- Each worker uses more memory than its limit.",
            "- The log volume of a web pod is filled beyond its limit. The app itself cannot fill it, because its files rotate. The kubelet evicts the pod without its preStop hook, and gives it one second instead of its grace period.",
        ].join("\n"),
    ].join("\n\n"),
    protections: { "capacity check": "in a copy of the program, no check asks the cluster for its free capacity" },
    origin: "its web Deployment with the same CPU request, changed by `kubectl patch`. No `up` runs, so no check can refuse the change",
    trial,
};
