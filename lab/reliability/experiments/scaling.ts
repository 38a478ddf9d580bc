import { withKeda } from "../../machine/keda";
import { pause } from "../cluster";
import type { Experiment, Form, Point, Side, Stage, Trial } from "../experiment";
import { Attack, accepted, isFailed, writes } from "../load";
import type { Product } from "../product";

const worker = "sms-worker";
const group = "";

/** A pod runs one task at a time, and each task waits for the gateway. So a pod does five tasks a second on any machine. */
const concurrency = 1;
const gatewayMilliseconds = 200;
const tasksPerPod = 20;
const maxReplicas = 4;

const rate = 12;
const secondsOfLoad: Record<Form, number> = { full: 120, short: 60 };
/** The time after the last message in which all messages must be sent. */
const settleSeconds = 30;

async function trial(stage: Stage, side: Side, form: Form): Promise<Trial> {
    const product = await stage.product();
    const onePod = { replicas: 1, concurrency };
    const autoscaled = { worker: { ...onePod, autoscale: { kind: "queue", maxReplicas, tasksPerPod } }, keda: {} };
    const answerMilliseconds = product.gateway.answerMilliseconds;
    const queuedUp = async () => {
        try {
            product.gateway.answerMilliseconds = gatewayMilliseconds;
            // Begin with one pod, because an autoscaler starts from the current number.
            await product.configure({ worker: onePod });
            await product.up();
            if (side.kind === "ours") {
                await product.configure(autoscaled);
                await product.up();
            }
            return await queueUp(product, secondsOfLoad[form]);
        } finally {
            product.gateway.answerMilliseconds = answerMilliseconds;
            // Remove the objects of KEDA's kinds before KEDA itself is removed.
            await product.configure();
            await product.up();
        }
    };
    return side.kind === "ours" ? withKeda(queuedUp) : queuedUp();
}

async function queueUp(product: Product, seconds: number): Promise<Trial> {
    const { cluster, gateway, stack } = product;
    const wanted = async () => (await cluster.get<{ spec: { replicas: number } }>("deployment", worker)).spec.replicas;
    const waiting = async () => Number(await product.redis("LLEN", "sms"));
    const start = Date.now();
    const attack = await Attack.start({ requests: writes(product.address), rate, seconds, keepAlive: true });
    const points: Point[] = [];
    let most = 0;
    while (Date.now() < start + seconds * 1000) {
        const [replicas, tasks] = [await wanted(), await waiting()];
        const x = (Date.now() - start) / 1000;
        points.push({ panel: "worker pods", x, y: replicas }, { panel: "waiting tasks", x, y: tasks });
        most = Math.max(most, replicas);
        await pause(2);
    }
    const { exitCode } = await stack.up("--expect-no-changes");
    const after = await wanted();
    const answers = await attack.answers();
    const ids = accepted(answers);
    const unsent = await product.unsent(ids, settleSeconds);
    return {
        counts: [
            { group, what: "accepted messages", value: ids.length },
            { group, what: "failed requests to web", value: answers.filter(isFailed).length, goal: 0 },
            { group, what: `worker pods below the expected ${maxReplicas}`, value: maxReplicas - most, goal: 0 },
            { group, what: `messages not sent ${settleSeconds} s after the last request`, value: unsent.length, goal: 0 },
            { group, what: "messages sent more than once", value: gateway.repeated(ids), goal: 0 },
            { group, what: "worker pods that an `up` removed", value: exitCode === 0 ? Math.max(0, most - after) : most, goal: 0 },
        ],
        points,
    };
}

export const scaling: Experiment = {
    name: "scaling",
    title: "Autoscaling of the workers by queue length",
    method: `Messages are posted at more than twice the rate that one worker can send. A worker sends one message at a time and waits ${gatewayMilliseconds} ms for the gateway. So the bottleneck is the number of pods and not the host's CPU. KEDA reads the queue length and requests one pod per ${tasksPerPod} waiting tasks, at most ${maxReplicas}. An \`up\` must not change the number of pods that KEDA has set.`,
    protections: {
        autoscaler: "one worker, independent of the number of waiting tasks",
    },
    axes: { x: "seconds since the first message" },
    trial,
};
