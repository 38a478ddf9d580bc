import { killContainer, pause } from "../cluster";
import type { Experiment, Form, Side, Stage } from "../experiment";
import { Attack, accepted, isFailed, writes } from "../load";
import { type Product, workerReplicas } from "../product";

const worker = "sms-worker";

interface Sizes {
    messages: number;
    rate: number;
    /** The time between two disturbances. */
    secondsBetween: number;
    /** The time after the last message in which lost messages must be found and sent again. */
    settleSeconds: number;
    /** Used when a protection is removed. */
    fewer: { messages: number; settleSeconds: number };
}

const sizes: Record<Form, Sizes> = {
    full: { messages: 10_000, rate: 60, secondsBetween: 6, settleSeconds: 300, fewer: { messages: 2000, settleSeconds: 40 } },
    short: { messages: 200, rate: 20, secondsBetween: 3, settleSeconds: 90, fewer: { messages: 200, settleSeconds: 40 } },
};

type Trouble = "killed" | "rolled" | "scaled";

const labels: Record<Trouble, string> = {
    killed: "times that a worker was killed by SIGKILL",
    rolled: "rollouts of the workers",
    scaled: "changes of the number of workers",
};

/** The disturbances of the workers, in this order, repeated. */
const troubles: readonly Trouble[] = ["killed", "killed", "rolled", "scaled"];

async function make(trouble: Trouble, { cluster }: Product, round: number): Promise<void> {
    switch (trouble) {
        case "killed":
            return killOne(cluster);
        case "rolled":
            await cluster.kubectl("rollout", "restart", `deployment/${worker}`);
            return;
        case "scaled":
            return cluster.scale("deployment", worker, round % 2 === 0 ? 4 : 1);
    }
}

/** Kills one worker. The second time it also deletes the pod, because Kubernetes delays repeated restarts by minutes. */
async function killOne(cluster: Product["cluster"]): Promise<void> {
    const pods = await cluster.livingPods(worker);
    const pod = pods[Math.floor(Math.random() * pods.length)];
    const container = pod?.status.containerStatuses?.[0];
    if (pod === undefined || container === undefined) {
        return;
    }
    killContainer(container);
    if (container.restartCount > 0) {
        await cluster.kubectl("delete", "pod", pod.metadata.name, "--grace-period=0", "--force", "--wait=false");
    }
}

async function trial(stage: Stage, side: Side, form: Form) {
    const product = await stage.product();
    const { rate, secondsBetween, fewer, ...most } = sizes[form];
    const { messages, settleSeconds } = side.kind === "ours" ? most : fewer;
    const restore = side.kind === "without" ? await takeOut(product, side.protection) : undefined;
    try {
        const attack = await Attack.start({
            requests: writes(product.address),
            rate,
            seconds: messages / rate,
            keepAlive: true,
        });
        const times = { killed: 0, rolled: 0, scaled: 0 };
        const end = Date.now() + (messages / rate) * 1000;
        for (let i = 0; Date.now() < end; i++) {
            const trouble = troubles[i % troubles.length] as Trouble;
            await make(trouble, product, Math.floor(i / troubles.length));
            times[trouble] += 1;
            await pause(secondsBetween);
        }
        const answers = await attack.answers();
        await product.cluster.scale("deployment", worker, workerReplicas);
        await product.cluster.rolledOut(worker);
        const ids = accepted(answers);
        const unsent = await product.unsent(ids, settleSeconds);
        const group = "";
        return {
            counts: [
                ...Object.entries(times).map(([trouble, value]) => ({ group, what: labels[trouble as Trouble], value })),
                { group, what: "accepted messages", value: ids.length },
                { group, what: "failed requests to web", value: answers.filter(isFailed).length, goal: 0 },
                { group, what: "lost messages (the gateway never received them)", value: product.gateway.lost(ids), goal: 0 },
                { group, what: "messages not marked as sent at the end", value: unsent.length, goal: 0 },
                { group, what: "messages sent more than once", value: product.gateway.repeated(ids), goal: 0 },
            ],
        };
    } finally {
        await restore?.();
    }
}

async function takeOut(product: Product, protection: string): Promise<() => Promise<void>> {
    if (protection === question) {
        product.gateway.tellsWhatItTook = false;
        return async () => {
            product.gateway.tellsWhatItTook = true;
        };
    }
    const change = edits[protection];
    if (change === undefined) {
        throw new Error(`messages has no protection ${protection}`);
    }
    product.stack.edit(change.file, change.edit);
    await product.up();
    return async () => {
        product.stack.restore(change.file);
        await product.up();
    };
}

const question = "gateway records";

/** Changes to the copy of the program, by protection. */
const edits: Record<string, { file: string; edit: (code: string) => string }> = {
    "late acks and resend_stuck": {
        file: "app/sms/celery.py",
        edit: (code) =>
            code
                .replace('"task_acks_late": True', '"task_acks_late": False')
                .replaceAll("settings.resend_interval_seconds", "3600")
                .replace('"worker_prefetch_multiplier": 1', '"worker_prefetch_multiplier": 4'),
    },
};

export const messages: Experiment = {
    name: "messages",
    title: "Messages during SIGKILL, rollouts and scaling of the workers",
    method: "Messages are posted at a steady rate. Meanwhile the workers get SIGKILL, roll out, and are scaled up and down, in turn. The SMS gateway is a stand-in with Alibaba Cloud's SendSms, and counts how often it accepted each message. A message is lost if web accepted it and the gateway never received it.",
    protections: {
        "late acks and resend_stuck":
            "in a copy of the program, Celery's defaults apply: a worker acknowledges a task when it receives it, and prefetches four tasks per thread. No task looks for lost messages",
        [question]:
            "the gateway refuses QuerySendDetails, so it does not report which messages it accepted. The product sends the messages of a killed worker again",
    },
    trial,
};
