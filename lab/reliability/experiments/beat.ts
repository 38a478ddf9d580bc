import { killContainer, pause } from "../cluster";
import type { Experiment, Form, Side, Stage, Trial } from "../experiment";
import { type Product, resendIntervalSeconds } from "../product";

const beat = "sms-beat";
const entry = "resend_stuck";
const queue = "sms-maintenance";

interface Sizes {
    /** How many times beat is killed, deleted or rolled. */
    ends: number;
    intervalSeconds: number;
    secondsBetween: number;
}

const sizes: Record<Form, Sizes> = {
    full: { ends: 50, intervalSeconds: 10, secondsBetween: 2.5 },
    short: { ends: 3, intervalSeconds: resendIntervalSeconds, secondsBetween: 4 },
};

/** No worker runs, so the tasks stay in their queue. The ticks are counted there. */
async function trial(stage: Stage, side: Side, form: Form): Promise<Trial> {
    const product = await stage.product();
    const { ends, intervalSeconds, secondsBetween } = sizes[form];
    const withoutGuard = side.kind === "without";
    if (withoutGuard) {
        product.stack.edit("app/sms/ticks.py", (code) => code.replace("if last and tonumber", "if false and tonumber"));
        product.stack.edit("app/sms/beat.py", (code) => code.replace(/self\._channel\.last_ticks\(\)/, "{}"));
    }
    const isOfItsOwn = withoutGuard || intervalSeconds !== resendIntervalSeconds;
    if (isOfItsOwn) {
        await product.configure({ env: { RESEND_INTERVAL_SECONDS: intervalSeconds } });
        await product.up();
    }
    const bringWorkersBack = await product.withoutWorkers();
    const removeSecond = await secondBeat(product);
    await product.redis("DEL", queue);
    const start = Date.now();
    try {
        // Each time at another moment between two ticks.
        for (let i = 0; i < (withoutGuard ? Math.min(ends, 5) : ends); i++) {
            await endBeat(product, i);
            await pause(secondsBetween * (0.5 + Math.random()));
        }
        await pause(2 * intervalSeconds);
        const end = Date.now();
        const ticks = await ticksIn(product);
        const due = dueBetween(start, end - 2000, intervalSeconds * 1000);
        const group = `one tick every ${intervalSeconds} s, two beats`;
        return {
            counts: [
                { group, what: "times that beat was killed, deleted or rolled out", value: withoutGuard ? Math.min(ends, 5) : ends },
                { group, what: "due ticks", value: due.length },
                { group, what: "missed ticks", value: due.filter((tick) => !ticks.includes(tick)).length, goal: 0 },
                { group, what: "ticks sent more than once", value: ticks.length - new Set(ticks).size, goal: 0 },
            ],
        };
    } finally {
        await removeSecond();
        if (withoutGuard) {
            product.stack.restore("app/sms/ticks.py");
            product.stack.restore("app/sms/beat.py");
        }
        await bringWorkersBack();
        if (isOfItsOwn) {
            await product.configure();
            await product.up();
        }
    }
}

/** The due ticks: the multiples of `interval`. All values are in milliseconds. */
function dueBetween(after: number, until: number, interval: number): number[] {
    const first = Math.floor(after / interval) + 1;
    return Array.from({ length: Math.max(0, Math.floor(until / interval) - first + 1) }, (_, i) => (first + i) * interval);
}

/** Ends beat by SIGKILL, by deleting its pod, or by a rollout, in turn. */
async function endBeat({ cluster }: Product, i: number): Promise<void> {
    const [pod] = await cluster.livingPods(beat);
    const container = pod?.status.containerStatuses?.[0];
    if (i % 3 === 2) {
        await cluster.rollOut(beat);
    } else if (pod !== undefined && container !== undefined) {
        killContainer(container);
        // After repeated kills, Kubernetes restarts the container later each time. So every second kill also deletes the pod.
        if (i % 3 === 1 || container.restartCount > 0) {
            await cluster.kubectl("delete", "pod", pod.metadata.name, "--grace-period=0", "--force", "--wait=false");
        }
    }
}

/** Starts a second beat, as an operator may do by hand. The strategy Recreate does not prevent that. */
async function secondBeat({ cluster }: Product): Promise<() => Promise<void>> {
    const { spec } = await cluster.get<{ spec: { template: { metadata: { labels: Record<string, string> } }; selector: object } }>(
        "deployment",
        beat,
    );
    const labels = { ...spec.template.metadata.labels, app: "sms-beat-second" };
    await cluster.apply([
        {
            apiVersion: "apps/v1",
            kind: "Deployment",
            metadata: { name: "sms-beat-second" },
            spec: {
                selector: { matchLabels: { app: labels.app } },
                template: { ...spec.template, metadata: { labels } },
            },
        },
    ]);
    await cluster.rolledOut("sms-beat-second");
    return async () => {
        await cluster.kubectl("delete", "deployment", "sms-beat-second");
    };
}

async function ticksIn(product: Product): Promise<number[]> {
    const lines = (await product.redis("LRANGE", queue, "0", "-1")).split("\n").filter((line) => line !== "");
    return lines
        .map((line) => (JSON.parse(line) as { headers: { beat_entry?: string; beat_tick?: number } }).headers)
        .filter((headers) => headers.beat_entry === entry)
        .map(({ beat_tick }) => beat_tick as number);
}

export const beatExperiment: Experiment = {
    name: "beat",
    title: "Beat ends repeatedly while a second beat runs",
    method: "Beat gets SIGKILL, its pod is deleted, or it rolls out, in turn and at random times. Meanwhile a second beat runs, as if an operator had started it by hand. The workers are scaled to 0, so each sent tick remains in the queue. A tick has its due time in its headers.",
    protections: { guard: "in a copy of the program, beat does not ask Redis for the last sent tick" },
    trial,
};
